"""One base in memory, and adapters on it that are switched: all models of an evaluation, each in its turn.

In float32 an adapter is merged into the base's weights and taken out again, which moves a log-probability by some 1e-6
and saves a fifth of the time. In bfloat16 that would round the base's weights for good, and a quantized base cannot be
merged into: there answers are those of the base with the adapter apart from its weights, as it was trained. Requests
are timed with the adapter merged, as it is served, unless the base is quantized.
"""

from collections.abc import Callable
from typing import Any

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.loading import Quantization, load_base, load_tokenizer, require_same_base
from rl_assets.recipes.chat_template import DEFAULT_RULES, ChatTemplateRecipe


class SwitchedModels:
    """A base with its tokenizer, padded on the left; each method gives the one model, switched. Prompts are rendered by
    `rules`.

    What it gave before is then the same model with another adapter: use it before the next switch.
    """

    def __init__(
        self,
        base: BaseModel,
        quantization: Quantization | None,
        log: Callable[[str], None],
        rules: ChatTemplateRecipe = DEFAULT_RULES,
    ):
        import torch

        self.base, self.quantization = base, quantization
        self.tokenizer = load_tokenizer(base, rules)
        self.tokenizer.padding_side = "left"
        self.model = load_base(base, quantization, log).eval()
        self._merges_exactly = quantization is None and self.model.dtype == torch.float32
        self._adapted: Any = None
        self._merged = False

    def switch_to(self, adapter: Adapter | None) -> Any:
        """The model with that adapter, or the base alone. Raises WrongBaseModelError for another base's adapter."""
        self._apart(adapter)
        if adapter is not None and self._merges_exactly:
            self._merge()
        return self.model

    def at_scale(self, adapter: Adapter, factor: float) -> Any:
        """The base with the adapter's effect times `factor`, apart from the base's weights: 0 is the base alone."""
        self._apart(adapter)
        self._scale(_name(adapter), factor)
        return self.model

    def as_served(self, adapter: Adapter | None) -> Any:
        """The model for timing: the adapter merged, unless the base is quantized. Ask nothing but its time later."""
        self._apart(adapter)
        if adapter is not None and self.quantization is None:
            self._merge()
        return self.model

    def base_at_the_cost_of(self, adapter: Adapter) -> Any:
        """The base's answers for timing, in the time that they take with such an adapter: merged it takes none, and
        apart it has no effect here, but its work is done."""
        if self.quantization is None:
            return self.as_served(None)
        self._apart(adapter)
        self._scale(_name(adapter), 0.0)
        return self.model

    def _apart(self, adapter: Adapter | None) -> None:
        if self._merged:
            self._adapted.base_model.unmerge_adapter()
            self._merged = False
        if adapter is not None:
            name = self._add(adapter)
            self._adapted.set_adapter(name, inference_mode=True)
            self._scale(name, 1.0)
            self._adapted.base_model.enable_adapter_layers()
        elif self._adapted is not None:
            self._adapted.base_model.disable_adapter_layers()
        self.model.eval()

    def _add(self, adapter: Adapter) -> str:
        from peft import PeftModel

        require_same_base(self.base, adapter)
        name = _name(adapter)
        if self._adapted is None:
            self._adapted = PeftModel.from_pretrained(self.model, str(adapter.folder), adapter_name=name)
        elif name not in self._adapted.peft_config:
            self._adapted.load_adapter(str(adapter.folder), adapter_name=name)
        return name

    def _merge(self) -> None:
        self._adapted.base_model.merge_adapter()
        self._merged = True

    def _scale(self, name: str, factor: float) -> None:
        from peft.tuners.lora import LoraLayer

        for module in self.model.modules():
            if isinstance(module, LoraLayer):
                module.set_scale(name, factor)


def _name(adapter: Adapter) -> str:
    """PEFT's name of the adapter. Those with the same weights are one."""
    return adapter.sha256[:20]
