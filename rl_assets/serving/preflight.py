"""What can be known to be wrong before a server is asked to load an adapter: each refusal is a sentence.

Ranks and layers are read from the weights themselves, since an adapter's configuration only says what was intended.
"""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rl_assets.core.files import sha256_file
from rl_assets.models.adapters import CONFIG, WEIGHTS, Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.serving.drivers.protocol import Limits

HEADER_LENGTH = 8
SHOWN = 12
FACTOR = ".lora_A."


@dataclass(frozen=True)
class Templates:
    """Hashes of the base's chat template here: by the default rules, and by those of the adapter's training."""

    default: str
    of_adapter: str


def refusals(adapter: Adapter, base: BaseModel, templates: Templates, limits: Limits) -> list[str]:
    """Why this adapter must not be served by a server with these limits; empty if it may.

    `base` is this machine's base model. What a server does not say of itself is not checked here.
    """
    of_files = [*_of_files(adapter)]
    sizes = [] if of_files else [*_of_sizes(adapter, limits)]
    of_model = [*_of_base(adapter, base, limits), *_of_template(adapter, templates, limits)]
    return [*_of_kind(adapter), *of_files, *sizes, *of_model]


def _of_kind(adapter: Adapter) -> Iterator[str]:
    if adapter.kind == "reward":
        yield "It is a reward model: it scores answers and gives none."


def _of_base(adapter: Adapter, base: BaseModel, limits: Limits) -> Iterator[str]:
    wanted = adapter.base_sha256
    if base.sha256 != wanted:
        yield (
            f"It was trained on a base model with hash {_short(wanted)}, and {base.name} here has "
            f"{_short(base.sha256)}: set RL_ASSETS_BASE_MODEL to the adapter's own base model."
        )
    if limits.base_sha256 not in (None, wanted):
        yield (
            f"It was trained on a base model with hash {_short(wanted)}, and the server's base model "
            f"{limits.base_model or ''} has {_short(str(limits.base_sha256))}: start the server with the adapter's own "
            "base model, without an adapter merged into it."
        )


def _of_template(adapter: Adapter, templates: Templates, limits: Limits) -> Iterator[str]:
    """A server reports the template that it renders, or the base's, in front of which it puts each adapter's rules."""
    trained, served = adapter.manifest.chat_template_sha256, limits.chat_template_sha256
    if trained and trained != templates.of_adapter:
        yield (
            f"It was trained with a chat template of hash {_short(trained)}, and the base model here has one of "
            f"{_short(templates.of_adapter)}: restore the base model's tokenizer, or train again."
        )
    if served and served not in (trained, templates.default):
        yield (
            f"It was trained with a chat template of hash {_short(trained or templates.of_adapter)}, and the server "
            f"renders one of {_short(served)}: start the server with the chat template of the adapter."
        )


def _of_files(adapter: Adapter) -> Iterator[str]:
    """What the folder says: hashes, kinds of layers that servers do not load, rank and layers by the weights."""
    weights, config = adapter.folder / WEIGHTS, adapter.folder / CONFIG
    if not weights.is_file() or not config.is_file():
        yield f"The folder {adapter.folder} lacks {WEIGHTS} or {CONFIG}: restore it, or train again."
        return
    actual = sha256_file(weights)
    for who, expected in (("its manifest", adapter.manifest.sha256), ("the promotion", adapter.sha256)):
        if actual != expected:
            yield f"{weights} has sha256 {_short(actual)}, and {who} says {_short(expected)}: the file was altered."
            return
    declared: dict[str, Any] = json.loads(config.read_text(encoding="utf-8"))
    if declared.get("use_dora"):
        yield "It is a DoRA adapter, which servers do not load beside others: train it with `use_dora: false`."
    if declared.get("modules_to_save"):
        names = ", ".join(map(str, declared["modules_to_save"]))
        yield f"It trains whole layers ({names}, `modules_to_save`), which servers do not load with an adapter."


def _of_sizes(adapter: Adapter, limits: Limits) -> Iterator[str]:
    """Rank and layers that the server does not accept."""
    ranks = lora_ranks(adapter.folder / WEIGHTS)
    largest = max(ranks.values(), default=0)
    if limits.max_lora_rank is not None and largest > limits.max_lora_rank:
        yield (
            f"It has rank {largest}, and the server accepts at most {limits.max_lora_rank}: start the server with a "
            f"maximum rank of {largest} or more."
        )
    if limits.target_modules is not None and (others := sorted(set(ranks) - limits.target_modules)):
        yield (
            f"It changes {', '.join(others[:SHOWN])}, and the server lets adapters change "
            f"{', '.join(sorted(limits.target_modules)[:SHOWN])} alone: start it with those of the adapter."
        )


def lora_ranks(weights: Path) -> dict[str, int]:
    """The largest rank by the name of the layers that carry it, as `{"q_proj": 8}`, from the file's header alone."""
    ranks: dict[str, int] = {}
    for name, tensor in _header(weights).items():
        if FACTOR in name:
            layer = name.partition(FACTOR)[0].rpartition(".")[2]
            ranks[layer] = max(ranks.get(layer, 0), int(tensor["shape"][0]))
    return ranks


def _header(weights: Path) -> dict[str, Any]:
    """The tensors of a safetensors file by name: 8 bytes of length, then JSON."""
    with weights.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(HEADER_LENGTH))
        header: dict[str, Any] = json.loads(file.read(length))
    return {name: tensor for name, tensor in header.items() if name != "__metadata__"}


def _short(sha256: str) -> str:
    return sha256[:12]
