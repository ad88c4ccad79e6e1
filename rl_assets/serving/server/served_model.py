"""The base in memory and the adapters on it, mixed in one batch: one thread uses it, which is the worker's.

An adapter is chosen row by row with PEFT's `adapter_names`. PEFT's `set_adapter` is never called: it switches the whole
model, and so the answers of all requests.
"""

from __future__ import annotations

import itertools
import re
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from rl_assets.core.files import sha256_text
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_facts import public_name
from rl_assets.models.base_models import BaseModel
from rl_assets.models.encoding import context_length, pad_id
from rl_assets.models.end_of_turn import end_of_turn_ids
from rl_assets.models.loading import chat_rules_of, load_base, load_tokenizer
from rl_assets.recipes.chat_template import DEFAULT_RULES, ChatTemplateRecipe
from rl_assets.serving.names import BASE
from rl_assets.serving.server.adapter_files import AdapterRefusedError, linear_modules
from rl_assets.serving.server.options import Dtype
from rl_assets.serving.server.served_adapters import WITHOUT_ADAPTER, ServedAdapter

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor


class ServedModel:
    """A base model that answers as itself or with any of its adapters, several of them in one batch."""

    def __init__(self, base: BaseModel, dtype: Dtype | None, log: Callable[[str], None]):
        # Imported for seconds: at the first adapter, that would hold up the answers that run.
        from peft import PeftModel

        self.description, self._wrapped = base, PeftModel
        self._base = load_base(base, None, log, dtype=dtype).eval()
        self._adapted: Any = None
        self._slots = (f"slot{number}" for number in itertools.count())
        self._tokenizers: dict[str, Any] = {}
        self.context = context_length(self._base)
        self.target_modules = linear_modules(self._base.named_modules, self._base.get_output_embeddings())
        tokenizer = self._tokenizer(DEFAULT_RULES)
        self.pad = pad_id(tokenizer)
        self.base = ServedAdapter(
            BASE, WITHOUT_ADAPTER, public_name(base.name), tokenizer, end_of_turn_ids(tokenizer, self._base)
        )

    @property
    def device(self) -> Any:
        """Where tensors must lie."""
        return self._base.device

    @property
    def dtype(self) -> str:
        """Precision of the base's weights, as `bfloat16`."""
        return str(self._base.dtype).removeprefix("torch.")

    @property
    def chat_template_sha256(self) -> str:
        """Hash of the base's chat template with the default rules, as the manifests of adapters hold it."""
        return sha256_text(self.base.tokenizer.chat_template)

    def load(self, name: str, adapter: Adapter) -> ServedAdapter:
        """Put an adapter beside the others. AdapterRefusedError if it does not fit; the rest stays as it is."""
        tokenizer = self._tokenizer(chat_rules_of(adapter))
        _check_template(adapter, tokenizer)
        slot = next(self._slots)
        try:
            self._add(slot, adapter)
        except _unfit_errors() as error:
            self._remove(slot)
            raise AdapterRefusedError(
                f"The adapter {adapter.folder} does not fit the base {self.description.name}: {error}"
            ) from error
        return ServedAdapter(name, slot, str(adapter.folder), tokenizer, end_of_turn_ids(tokenizer, self._base))

    def free(self, adapter: ServedAdapter) -> None:
        """Give an adapter's memory back; nothing may ask for it any more."""
        self._remove(adapter.slot)

    def forward(
        self,
        ids: Int[Tensor, "rows new"],
        mask: Int[Tensor, "rows width"],
        positions: Int[Tensor, "rows new"],
        cache: Any,
        slots: list[str],
    ) -> Float[Tensor, "rows vocabulary"]:
        """Logits after the last new token, in float32; the cache grows by the new tokens.

        `mask` covers cached and new tokens, padding on the left.
        """
        with self._choosing(slots):
            output = self._base(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
        logits: Tensor = output.logits[:, -1].float()
        return logits

    def _choosing(self, slots: list[str]) -> Any:
        """Rows of a forward pass are changed by these adapters.

        PEFT's own `forward` ignores `adapter_names` when no adapter is active, which none is after the active one was
        deleted; the layers themselves do not ask.
        """
        if self._adapted is None:
            return nullcontext()
        return self._adapted.base_model._enable_peft_forward_hooks(adapter_names=slots)

    def new_cache(self) -> Any:
        """An empty key-value cache of the model's kinds of layers."""
        from transformers import DynamicCache

        return DynamicCache(config=self._base.config)

    def _add(self, slot: str, adapter: Adapter) -> None:
        from peft import LoraConfig

        folder = str(adapter.folder)
        config = LoraConfig.from_pretrained(folder)
        config.inference_mode = True
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # What PEFT says of adapters beside each other is meant to be so.
            if self._adapted is None:
                self._adapted = self._wrapped(self._base, config, adapter_name=slot)
            else:
                self._adapted.add_adapter(slot, config)
            result = self._adapted.load_adapter(folder, adapter_name=slot)
        self._adapted.eval()
        if unfit := [*result.missing_keys, *result.unexpected_keys]:
            raise AdapterRefusedError(f"{len(unfit)} weights are missing or unknown, as {unfit[0]}")

    def _remove(self, slot: str) -> None:
        if self._adapted is not None and slot in self._adapted.peft_config:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._adapted.delete_adapter(slot)

    def _tokenizer(self, rules: ChatTemplateRecipe) -> Any:
        key = rules.model_dump_json()
        if key not in self._tokenizers:
            self._tokenizers[key] = load_tokenizer(self.description, rules)
        return self._tokenizers[key]


def _unfit_errors() -> tuple[type[Exception], ...]:
    """What PEFT and safetensors raise about configurations and weights that are broken, or those of another model."""
    from safetensors import SafetensorError

    of_values = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, re.error)
    return (*of_values, RuntimeError, OSError, SafetensorError)


def _check_template(adapter: Adapter, tokenizer: Any) -> None:
    """Refuse an adapter whose rows were rendered by another template than its prompts would be."""
    trained, served = adapter.manifest.chat_template_sha256, sha256_text(tokenizer.chat_template)
    if trained is not None and trained != served:
        raise AdapterRefusedError(
            f"The adapter {adapter.folder} was trained with a chat template of hash {trained[:12]}, but the base's "
            f"with the adapter's rules has {served[:12]}: restore the base's tokenizer, or train the adapter again."
        )
