"""Which adapter folders may be loaded: whole ones of this project below the root, of this base, and of plain LoRA.

An adapter shares the base with all others, and a server trusts nobody who names a folder: whatever would leave the
root, run code, or change the base's own weights is refused before a file is loaded.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rl_assets.core.validation import problems
from rl_assets.models.adapters import CONFIG, MANIFEST, WEIGHTS, Adapter, read_adapter
from rl_assets.models.base_models import BaseModel

# Other ways to initialise LoRA compute on the base's weights, and change them, each time that they are loaded.
PLAIN_INITS = (True, False, "gaussian")
# What plain LoRA on linear layers is described by. Anything else that is set cannot share a batch, or changes the base.
PLAIN_KEYS = frozenset(
    {
        *("peft_type", "peft_version", "task_type", "auto_mapping", "base_model_name_or_path", "revision"),
        *("inference_mode", "r", "lora_alpha", "lora_dropout", "use_rslora", "rank_pattern", "alpha_pattern"),
        *("target_modules", "exclude_modules", "layers_to_transform", "layers_pattern", "fan_in_fan_out"),
        *("init_lora_weights", "qalora_group_size", "runtime_config"),
    }
)


class AdapterRefusedError(ValueError):
    """An adapter that this server does not load; the message says what was found and what to do."""


class AdapterMissingError(AdapterRefusedError):
    """There is no adapter at that path."""


@dataclass(frozen=True)
class AdapterRules:
    """What an adapter must be to be loaded."""

    root: Path
    base: BaseModel
    max_rank: int


def checked_adapter(path: str, rules: AdapterRules) -> Adapter:
    """The adapter in the folder `path` names, relative to the root or absolute.

    Raises AdapterMissingError if there is none, AdapterRefusedError for one that is not served.
    """
    folder = _folder(path, rules.root)
    for name in (MANIFEST, CONFIG, WEIGHTS):
        _check_file(folder, name)
    adapter = _read(folder)
    if adapter.kind == "reward":
        raise AdapterRefusedError(f"The adapter {folder} is a reward model: it scores answers, and writes none.")
    if adapter.base_sha256 != rules.base.sha256:
        raise AdapterRefusedError(
            f"The adapter {folder} was trained on a base with hash {adapter.base_sha256[:12]}, but this server's, "
            f"{rules.base.name}, has {rules.base.sha256[:12]}: serve it on its own, or train it again."
        )
    _check_config(folder, rules.max_rank)
    return adapter


def _folder(path: str, root: Path) -> Path:
    if not path or "\0" in path:
        raise AdapterMissingError("The path of the adapter is empty or holds a NUL: name a folder below the root.")
    try:
        inside = root.resolve(strict=True)
        folder = (inside / path).resolve(strict=True)
    except (OSError, RuntimeError):  # Missing, not ours to read, too long, or a circle of links.
        raise AdapterMissingError(f"There is no adapter at {path[:500]}: name a folder below {root}.") from None
    if inside not in folder.parents:
        raise AdapterRefusedError(f"{path[:500]} is not below {root}: only adapters in there are loaded.")
    if not folder.is_dir():
        raise AdapterMissingError(f"{folder} is no folder: name that of an adapter.")
    return folder


def _check_file(folder: Path, name: str) -> None:
    file = folder / name
    if not file.exists():
        others = ", which are no safetensors" if name == WEIGHTS and any(folder.glob("adapter_model.*")) else ""
        raise AdapterMissingError(f"{folder} has no {name}{others}: only complete adapters of this project are loaded.")
    if file.is_symlink() or not file.is_file():
        raise AdapterRefusedError(f"{file} is a link or no plain file: only what lies in the folder is loaded.")


def _read(folder: Path) -> Adapter:
    try:
        return read_adapter(folder)
    except ValidationError as error:
        raise AdapterRefusedError(f"{folder / MANIFEST} is no manifest of an adapter: {problems(error)}") from error
    except ValueError as error:  # Weights that are not those of the manifest, or no JSON.
        raise AdapterRefusedError(str(error)) from error


def _check_config(folder: Path, max_rank: int) -> None:
    config = _config(folder)
    if config.get("peft_type") != "LORA":
        raise AdapterRefusedError(f"The adapter {folder} is of type {config.get('peft_type')!r}: only LORA is served.")
    if special := _special_keys(config):
        raise AdapterRefusedError(
            f"The adapter {folder} sets {', '.join(special)}, which several adapters in one batch cannot have: train "
            "one of plain LoRA, or merge it into a base of its own."
        )
    if config.get("init_lora_weights", True) not in PLAIN_INITS:
        raise AdapterRefusedError(
            f"The adapter {folder} was initialised by {config['init_lora_weights']!r}, which changes the base that all "
            "adapters share: convert it to plain LoRA with PEFT's path_initial_model_for_weight_conversion."
        )
    if (rank := _rank(folder, config)) > max_rank:
        raise AdapterRefusedError(
            f"The adapter {folder} has rank {rank}, above this server's limit of {max_rank}: start it with "
            f"--max-lora-rank {rank}, or train a smaller adapter."
        )


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except ValueError as error:
        raise AdapterRefusedError(f"{folder / CONFIG} is not valid JSON: {error}") from error
    if not isinstance(config, dict):
        raise AdapterRefusedError(f"{folder / CONFIG} is no mapping of keys to values.")
    return config


def _special_keys(config: dict[str, Any]) -> list[str]:
    """Keys that make more of the adapter than plain LoRA: those that are set, and not to PEFT's own default."""
    from peft import LoraConfig

    default: Any = LoraConfig()
    plain = default.to_dict()
    set_keys = {key for key, value in config.items() if value and value != plain.get(key)}
    return sorted(set_keys - PLAIN_KEYS)


def _rank(folder: Path, config: dict[str, Any]) -> int:
    """The largest rank of any layer."""
    patterns = config.get("rank_pattern") or {}
    ranks = [config.get("r"), *(patterns.values() if isinstance(patterns, dict) else [patterns])]
    if wrong := [rank for rank in ranks if not isinstance(rank, int) or rank < 1]:
        raise AdapterRefusedError(f"{folder / CONFIG} names the rank {wrong[0]!r}: it must be a whole number above 0.")
    return max(rank for rank in ranks if isinstance(rank, int))


def linear_modules(named_modules: Callable[[], Any], output: Any) -> frozenset[str]:
    """Last parts of the names of a model's linear layers, except the output layer: what LoRA may change here."""
    from torch import nn

    layers = ((name, module) for name, module in named_modules() if isinstance(module, nn.Linear))
    return frozenset(name.rpartition(".")[2] for name, module in layers if module is not output)
