"""What a base model's folder says of it, without loading it: context, width, licence, and where it came from."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rl_assets.models.base_models import TINY, BaseModel
from rl_assets.models.tiny.pretraining import TinySpec

UNKNOWN = "unknown"
# Names by which architectures give their positions and their width.
CONTEXT = ("max_position_embeddings", "n_positions", "max_sequence_length", "seq_length", "n_ctx")
WIDTH = ("hidden_size", "n_embd", "d_model")
FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n---\s*\n", re.DOTALL)
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class BaseFacts:
    """Of a base model: tokens that it can see, width of its layers (None if its configuration names none), licence.

    `source` is where its files came from, if the folder's manifest says so.
    """

    context: int | None
    hidden_size: int | None
    license: str
    source: str | None


def facts_of(base: BaseModel) -> BaseFacts:
    """The facts of a base model whose folder is there."""
    facts = facts_in(Path(base.path))
    if base.name == TINY:
        return BaseFacts(facts.context, facts.hidden_size, "apache-2.0", "built by rl_assets from text that it carries")
    return facts


def facts_in(folder: Path) -> BaseFacts:
    """The facts of the model in `folder`."""
    config, manifest = _json(folder / "config.json"), _json(folder / "manifest.json")
    text = config.get("text_config") or {}
    named = (manifest.get("license"), _card(folder).get("license"), config.get("license"))
    return BaseFacts(
        context=_context(config | text),
        hidden_size=_first(config | text, WIDTH),
        license=next((str(name) for name in named if name), UNKNOWN),
        source=manifest.get("source"),
    )


def facts_by_name(name: str, models: Path) -> BaseFacts | None:
    """The facts of the base model of that name if it was built or fetched already, or is `tiny`; else None."""
    for folder in (Path(name), models / name):
        if (folder / "config.json").is_file():
            return facts_in(folder)
    if name == TINY:
        spec = TinySpec()
        return BaseFacts(spec.positions, spec.hidden, "apache-2.0", None)
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        config = try_to_load_from_cache(name, "config.json", cache_dir=models / "hub")
    except HFValidationError:
        return None
    return facts_in(Path(config).parent) if isinstance(config, str) else None


def public_name(name: str) -> str:
    """A base model's name without a path of this machine: a folder's own name, everything else as it is."""
    is_path = Path(name).is_absolute() or name.startswith((".", "~")) or not (HUB_ID.fullmatch(name) or "/" not in name)
    return Path(name).name if is_path or Path(name).is_dir() else name


def _context(config: dict[str, Any]) -> int | None:
    """Positions; times the factor by which the configuration stretches them, if it does."""
    positions = _first(config, CONTEXT)
    scaling = config.get("rope_scaling") or config.get("rope_parameters") or {}
    factor = scaling.get("factor") if isinstance(scaling, dict) else None
    return int(positions * max(1.0, float(factor or 1.0))) if positions else None


def _first(config: dict[str, Any], names: tuple[str, ...]) -> int | None:
    return next((int(config[name]) for name in names if isinstance(config.get(name), int)), None)


def _card(folder: Path) -> dict[str, Any]:
    """The header of the model's card, if there is one that can be read."""
    card = folder / "README.md"
    header = FRONT_MATTER.match(card.read_text(encoding="utf-8", errors="replace")) if card.is_file() else None
    try:
        values = yaml.safe_load(header[1]) if header else {}
    except yaml.YAMLError:
        return {}
    return values if isinstance(values, dict) else {}


def _json(path: Path) -> dict[str, Any]:
    values = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return values if isinstance(values, dict) else {}
