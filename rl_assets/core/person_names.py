"""Names of persons, found by a spaCy model: `RL_ASSETS_DETECTORS=rl_assets.core.person_names:find`.

The extra `names` installs spaCy; the model is the deployment's choice, an installed one or a folder. Only spaCy reads
it, and no Python file in it is run, not even that of an installed package.
"""

import json
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from rl_assets.core.detectors import DetectorError, Span

if TYPE_CHECKING:
    from spacy.language import Language

MODEL = "en_core_web_sm"
# Labels of names of persons in spaCy's models of different languages.
LABELS = {"PERSON", "PER", "PRS", "PS", "persName"}
# The parts of spaCy's models that its recognizer of names does not need, unless there are rules, which may.
UNUSED = {"tagger", "morphologizer", "parser", "senter", "attribute_ruler", "lemmatizer", "trainable_lemmatizer"}
RULES = {"entity_ruler", "span_ruler"}
PACKAGE = re.compile(r"[A-Za-z_]\w*")
# A long text is read in parts that end before whitespace: the model takes memory for every character.
PART = re.compile(r"[\s\S]{1,50000}(?=\s|\Z)|[\s\S]{1,50000}")


class NameDetector:
    """The detector. Its model is a folder, or the name of an installed model."""

    def __call__(self, text: str, model: str = MODEL) -> tuple[Span, ...]:
        """The names in a text. What holds a digit is none: models take parts of addresses and of code for names."""
        return _found(text, model_folder(model))

    def check(self, model: str = MODEL) -> None:
        """Raises DetectorError if library or model are missing, with the command that helps."""
        _spacy_version()
        model_folder(model)

    def version(self, model: str = MODEL) -> str:
        """What findings depend on: versions of library and model, and the model's content, wherever it lies."""
        folder = model_folder(model)
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        name = f"{meta.get('lang')}_{meta.get('name')} {meta.get('version')}"
        return f"spacy {_spacy_version()}, {name}, {_content(folder)}"


find = NameDetector()


@cache
def model_folder(model: str) -> Path:
    """The folder that holds the model's data. Raises DetectorError if there is none."""
    folder = Path(model).expanduser().absolute()
    places = [folder]
    if PACKAGE.fullmatch(model) and (package := find_spec(model)):
        places += map(Path, package.submodule_search_locations or ())
    for candidate in chain.from_iterable((place, *sorted(place.glob("*/"))) for place in places):
        if (candidate / "config.cfg").is_file() and (candidate / "meta.json").is_file():
            return candidate
    if folder.exists():
        raise DetectorError(f"{folder} holds no spaCy model: config.cfg and meta.json lie beside each other in one")
    command = f"python -m spacy download {model if PACKAGE.fullmatch(model) else MODEL}"
    raise DetectorError(f"there is no spaCy model {model}: {command}, or set RL_ASSETS_NAMES_MODEL to a folder")


def _spacy_version() -> str:
    try:
        return version("spacy")
    except PackageNotFoundError as error:
        raise DetectorError("spaCy is not installed: pip install 'rl-assets[names]'") from error


@cache
def _content(folder: Path) -> str:
    digest = sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        digest.update(f"{file.relative_to(folder).as_posix()} {file.stat().st_size}\n".encode())
        with file.open("rb") as opened:
            while block := opened.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


@lru_cache(maxsize=4096)  # System turns come back on every line, questions on several.
def _found(text: str, folder: Path) -> tuple[Span, ...]:
    return tuple(_names(text, _loaded(folder)))


def _names(text: str, model: "Language") -> Iterator[Span]:
    for part in PART.finditer(text):
        for entity in model(part.group()).ents:
            if entity.label_ in LABELS and not any(map(str.isdigit, entity.text)):
                yield part.start() + entity.start_char, part.start() + entity.end_char, "PERSON"


@cache
def _loaded(folder: Path) -> "Language":
    from spacy.util import load_model_from_path

    try:
        model = load_model_from_path(folder)
    except Exception as error:
        raise DetectorError(f"spaCy cannot load the model {folder}: {type(error).__name__}: {error}") from error
    if not LABELS.intersection(chain.from_iterable(model.pipe_labels.values())):
        raise DetectorError(f"the model {folder} finds no names: none of its labels is {', '.join(sorted(LABELS))}")
    if not RULES.intersection(model.get_pipe_meta(name).factory for name in model.pipe_names):
        model.select_pipes(disable=[name for name in model.pipe_names if name in UNUSED])
    return model
