"""One base in memory, and three adapters on it: the policy, its frozen reference, and the critic with its head.

The reference is the parent, not the bare base: against that an SFT parent starts with a KL of many nats. The critic is
a second LoRA with a linear layer on the last hidden states, which gives a value before each token of the answer. PEFT
turns gradients off for every adapter but the active one, so both lists of parameters are collected once and kept
trainable.
"""

from __future__ import annotations

import inspect
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rl_assets.models.adapters import WEIGHTS, Adapter
from rl_assets.training.errors import TrainingRefused

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int
    from torch import Tensor

    Ids = Int[Tensor, "answers width"]
    Values = Float[Tensor, "answers tokens"]

POLICY, REFERENCE, CRITIC = "default", "ref", "critic"
HEAD = "value_head.safetensors"


class ActorCritic:
    """The model of `load_to_continue` with a reference and a critic; `model` is the whole, as PEFT's trainers know it.

    The critic's values are 0 everywhere until `start_as` makes it the reward model, whose shape it has.
    """

    def __init__(self, model: Any, parent: Adapter, reward_model: Adapter | None = None):
        import torch

        self.model = model
        self.base = model.get_base_model()
        self.backbone = getattr(self.base, self.base.base_model_prefix)
        model.load_adapter(str(parent.folder), adapter_name=REFERENCE, is_trainable=False)
        model.add_adapter(CRITIC, _critic_config(model, reward_model))
        model.value_head = torch.nn.Linear(self.base.config.get_text_config().hidden_size, 1).to(self.base.device)
        torch.nn.init.zeros_(model.value_head.weight)
        torch.nn.init.zeros_(model.value_head.bias)
        self.policy_weights = _weights(model, POLICY)
        self.critic_weights = [*_weights(model, CRITIC), *model.value_head.parameters()]
        self.activate(POLICY)
        self._require_apart()

    def activate(self, adapter: str) -> None:
        """Switch to an adapter; policy and critic stay trainable, all else stays frozen."""
        self.model.set_adapter(adapter)
        for weight in self.model.parameters():
            weight.requires_grad_(False)
        for weight in (*self.policy_weights, *self.critic_weights):
            weight.requires_grad_(True)

    def log_probabilities(
        self, adapter: str, ids: Ids, mask: Ids, tokens: int, temperature: float
    ) -> tuple[Values, Values]:
        """log p of the last `tokens` columns of each row, and the entropy of each of their distributions, in nats.

        Logits are divided by the temperature, as they are where answers are sampled.
        """
        self.activate(adapter)
        only = {"logits_to_keep": tokens + 1} if "logits_to_keep" in _parameters(self.base) else {}
        output = self.base(**_inputs(self.base, ids, mask), **only)
        # Logits at a position are of the token after it.
        logs = (output.logits[:, -tokens - 1 : -1].float() / temperature).log_softmax(-1)
        picked = logs.gather(-1, ids[:, -tokens:, None]).squeeze(-1)
        return picked, -(logs.exp() * logs).sum(-1)

    def values(self, ids: Ids, mask: Ids, tokens: int) -> Values:
        """The critic's value before each of the last `tokens` columns."""
        self.activate(CRITIC)
        hidden = self.backbone(**_inputs(self.backbone, ids, mask)).last_hidden_state
        # In 16 bits, sums over an answer's tokens would be too coarse.
        value: Values = self.model.value_head(hidden[:, -tokens - 1 : -1].float()).squeeze(-1).float()
        return value

    def save(self, folder: Path) -> None:
        """Write policy, critic and head. The policy lies where an adapter's weights lie, the critic below it."""
        from safetensors.torch import save_file

        self.model.save_pretrained(folder, selected_adapters=[POLICY, CRITIC])
        head = {name: weight.detach().contiguous() for name, weight in self.model.value_head.state_dict().items()}
        save_file(head, folder / HEAD)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote."""
        from peft import set_peft_model_state_dict
        from safetensors.torch import load_file

        for adapter, place in ((POLICY, folder), (CRITIC, folder / CRITIC)):
            set_peft_model_state_dict(self.model, load_file(place / WEIGHTS), adapter_name=adapter)
        self.model.value_head.load_state_dict(load_file(folder / HEAD))
        self.activate(POLICY)

    def start_as(self, reward_model: Adapter, scale: tuple[float, float]) -> None:
        """The reward model's LoRA as the critic's, its output layer as the head, which gives (score - mean) / sd."""
        import torch
        from safetensors.torch import load_file

        saved, own = load_file(reward_model.folder / WEIGHTS), dict(self.model.named_parameters())
        mean, deviation = scale
        with torch.no_grad():
            for name, weight in saved.items():
                if name.endswith("score.weight"):
                    self.model.value_head.weight.copy_(weight / deviation)
                    self.model.value_head.bias.fill_(-mean / deviation)
                    continue
                place = own.get(name.replace(".weight", f".{CRITIC}.weight"))
                if place is None or place.shape != weight.shape:
                    raise TrainingRefused(
                        f"The reward model {reward_model.folder} has weights {name} that fit no layer of the policy's "
                        "base: materialize reward_model again on this base model."
                    )
                place.copy_(weight)

    def _require_apart(self) -> None:
        """Both lists have weights, share none, and nothing else is trained."""
        policy, critic = ({id(weight) for weight in some} for some in (self.policy_weights, self.critic_weights))
        trained = {id(weight) for weight in self.model.parameters() if weight.requires_grad}
        if not policy or not critic or policy & critic or trained != policy | critic:
            raise RuntimeError(
                f"policy ({len(policy)} weights), critic ({len(critic)}) and what is trained ({len(trained)}) do not "
                "fit together: check the version of peft"
            )


def without_dropout(model: Any) -> None:
    """Turn dropout off for good, in layers and in attention: else the first ratio of the policy to itself is not 1."""
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = 0.0


def _critic_config(model: Any, reward_model: Adapter | None) -> Any:
    """LoRA of the policy's shape, or of the reward model's, in the base without its output layer."""
    from copy import deepcopy

    from peft import PeftConfig

    config = deepcopy(model.peft_config[POLICY])
    if reward_model is not None:
        theirs: Any = PeftConfig.from_pretrained(str(reward_model.folder))
        config.r, config.lora_alpha, config.target_modules = theirs.r, theirs.lora_alpha, theirs.target_modules
    config.lora_dropout, config.inference_mode, config.modules_to_save = 0.0, False, None
    # Modules that a finished adapter names are those of its base; a fresh matrix B of 0 changes nothing yet.
    config.init_lora_weights = True
    return config


def _weights(model: Any, adapter: str) -> list[Any]:
    return [weight for name, weight in model.named_parameters() if "lora_" in name and f".{adapter}." in name]


def _parameters(model: Any) -> frozenset[str]:
    return frozenset(inspect.signature(model.forward).parameters)


def _inputs(model: Any, ids: Ids, mask: Ids) -> dict[str, Any]:
    """A forward pass of rows padded on the left: positions start at 0 where a row does, as they do in generation."""
    positions = {"position_ids": (mask.cumsum(1) - 1).clamp(min=0)} if "position_ids" in _parameters(model) else {}
    return {"input_ids": ids, "attention_mask": mask, "use_cache": False, **positions}


def kept_tokens(written: Ids, ends: frozenset[int]) -> tuple[Bool[Tensor, "answers tokens"], list[bool]]:
    """Which columns are of the answer, up to the first end of turn, that one included; and which answers have one.

    By position: a padding token that ends turns too cuts nothing.
    """
    import torch

    is_end = torch.isin(written, torch.tensor(sorted(ends), device=written.device))
    before = is_end.cumsum(1) - is_end.long()
    return before == 0, is_end.any(dim=1).tolist()


def is_number(value: Any) -> bool:
    """Whether a reward is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
