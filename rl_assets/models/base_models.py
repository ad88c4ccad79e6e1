"""Base models by name: the embedded `tiny`, `smollm2-135m`, a folder, or a Hugging Face id, each with its hash."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from rl_assets.core.files import replaced_folder, sha256_file, sha256_json, write_json
from rl_assets.models.smollm2 import SMOLLM2, ensure_smollm2
from rl_assets.models.tiny.pretraining import TinySpec, build_tiny_model, inputs_hash

TINY = "tiny"
# The recipe of the one task that `tiny` was made for, and that for its size.
DEMO = "demo"
TINY_CPU = "tiny_cpu"
CONTENT = frozenset({".json", ".safetensors", ".jinja", ".model", ".txt"})
NOT_CONTENT = frozenset({"manifest.json"})


@dataclass(frozen=True)
class BaseModel:
    """A base model: its requested name, what from_pretrained accepts, and a hash of weights and tokenizer."""

    name: str
    path: str
    sha256: str


def ensure_base_model(
    name: str, models: Path, log: Callable[[str], None], tiny_spec: TinySpec | None = None
) -> BaseModel:
    """The base model `name`, built or fetched into `models` if it is not there yet.

    `tiny_spec` says how `tiny` is made (by default `TinySpec()`); other models ignore it.
    """
    if name == TINY:
        return _ensure_tiny(models / TINY, tiny_spec or TinySpec(), log)
    if name == SMOLLM2:
        return _folder_model(name, ensure_smollm2(models / SMOLLM2, log))
    if Path(name).is_dir():
        return _folder_model(name, Path(name))
    return _hub_model(name, models, log)


def unfit_base(name: str, recipe: str) -> str | None:
    """Why the base model is none to use with that recipe, or None if nothing speaks against it."""
    if name != TINY and recipe in (DEMO, TINY_CPU):
        return (
            f"the recipe {recipe} is for the embedded model: its learning rates are some 500 times those of real ones. "
            f"Set RL_ASSETS_RECIPE to a recipe for the size of {name}"
        )
    if name != TINY or recipe == DEMO:
        return None
    return (
        "tiny shows that everything runs, and learns little from real logs: before you use an adapter, set "
        "RL_ASSETS_BASE_MODEL to a chat model and RL_ASSETS_RECIPE to a recipe for its size"
    )


def content_hash(folder: Path) -> str:
    """Hex sha256 over names and bytes of a model's configuration, weights and tokenizer."""
    files = sorted(path for path in folder.iterdir() if path.suffix in CONTENT and path.name not in NOT_CONTENT)
    return sha256_json([[path.name, sha256_file(path)] for path in files])


def _ensure_tiny(folder: Path, spec: TinySpec, log: Callable[[str], None]) -> BaseModel:
    inputs = inputs_hash(spec)
    if _built_from(folder, inputs):
        log(f"base model: {folder} is up to date, nothing was trained")
    else:
        with replaced_folder(folder) as staging:
            metrics = build_tiny_model(spec, staging, log)
            manifest = {
                "inputs_hash": inputs,
                "spec": asdict(spec),
                "sha256": content_hash(staging),
                **metrics,
            }
            write_json(staging / "manifest.json", manifest)
    return BaseModel(TINY, str(folder), content_hash(folder))


def _built_from(folder: Path, inputs: str) -> bool:
    manifest = folder / "manifest.json"
    return manifest.is_file() and json.loads(manifest.read_text(encoding="utf-8"))["inputs_hash"] == inputs


def _folder_model(name: str, folder: Path) -> BaseModel:
    for needed in ("config.json", "tokenizer_config.json"):
        if not (folder / needed).is_file():
            raise FileNotFoundError(
                f"The base model folder {folder} has no {needed}: save model and tokenizer into it."
            )
    if not any(folder.glob("*.safetensors")):
        raise FileNotFoundError(
            f"The base model folder {folder} has no *.safetensors: pickled weights are never loaded."
        )
    return BaseModel(name, str(folder), content_hash(folder))


def _hub_model(name: str, models: Path, log: Callable[[str], None]) -> BaseModel:
    """Fetch a hub model into `models`; its hash is that of id and commit, so the weights need not be read again."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        path = snapshot_download(name, cache_dir=models / "hub", ignore_patterns=["*.bin", "*.pt", "*.pth", "*.gguf"])
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        raise RuntimeError(
            f"The base model {name!r} is neither a folder nor could it be fetched from the hub ({error}). "
            "Check the name, the network and HF_TOKEN, or name a folder."
        ) from error
    revision = Path(path).name
    log(f"base model: {name} at revision {revision}")
    return BaseModel(name, path, sha256_json([name, revision]))
