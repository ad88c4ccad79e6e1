"""The detector of names: a spaCy model of the user's, and what it says if library, model or labels are missing."""

import shutil
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from rl_assets.core.detectors import DetectorError, detector_version, load_detector, own_spans
from rl_assets.features.privacy import redact
from rl_assets.settings import SettingsError, load_settings
from rl_assets_tests.support.name_models import name_model

DETECTOR = "rl_assets.core.person_names:find"


def test_names_become_persons_wherever_a_long_text_holds_them_and_codes_are_left_alone(tmp_path: Path):
    model = name_model(tmp_path, "Ada Byron", "R2D2")
    text = "The parcel is on its way. " * 2_100 + "Ask Ada Byron or R2D2."
    assert own_spans(f"{DETECTOR}@{model}", text) == [(len(text) - 18, len(text) - 9, "PERSON")]
    assert own_spans(f"{DETECTOR}@{model}", "") == []
    assert redact("Ada Byron (ada@example.com)", (f"{DETECTOR}@{model}",)) == (
        "<PERSON> (<EMAIL>)",
        ["PERSON", "EMAIL"],
    )


def test_labels_of_models_of_other_languages_are_persons_too(tmp_path: Path):
    model = name_model(tmp_path, "Ada Byron", label="PER")
    assert own_spans(f"{DETECTOR}@{model}", "Ada Byron fragt.") == [(0, 9, "PERSON")]


def test_the_setting_names_the_model_and_two_models_are_named_with_the_detector(tmp_path: Path, monkeypatch):
    first, second = name_model(tmp_path / "first", "Ada"), name_model(tmp_path / "second", "Grace")
    monkeypatch.setenv("RL_ASSETS_NAMES_MODEL", str(first))
    monkeypatch.setenv("RL_ASSETS_DETECTORS", f"{DETECTOR}, {DETECTOR}@{second}")
    assert load_settings().detector_names == (f"{DETECTOR}@{first}", f"{DETECTOR}@{second}")
    assert redact("Ada met Grace.", load_settings().detector_names)[0] == "<PERSON> met <PERSON>."


def test_an_installed_model_is_found_by_its_name_and_its_python_files_are_not_run(tmp_path: Path, monkeypatch):
    package = tmp_path / "en_given_names"
    package.mkdir()
    name_model(package / "en_given_names-1.0.0", "Ada Byron")
    for folder in (package, package / "en_given_names-1.0.0"):
        (folder / "__init__.py").write_text("raise RuntimeError('was run')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert own_spans(f"{DETECTOR}@en_given_names", "Ada Byron asks.") == [(0, 9, "PERSON")]
    assert own_spans(f"{DETECTOR}@{package}", "Ada Byron asks.") == [(0, 9, "PERSON")]


def test_its_version_tells_of_library_and_model_and_not_of_the_place(tmp_path: Path):
    import spacy

    first = name_model(tmp_path / "first", "Ada Byron")
    version = detector_version(f"{DETECTOR}@{first}")
    assert f"spacy {spacy.__version__}, en_given_names 1.0.0, " in version
    assert detector_version(f"{DETECTOR}@{shutil.copytree(first, tmp_path / 'moved')}") == version
    assert detector_version(f"{DETECTOR}@{name_model(tmp_path / 'content', 'Grace Hopper')}") != version
    assert detector_version(f"{DETECTOR}@{name_model(tmp_path / 'newer', 'Ada Byron', version='1.0.1')}") != version


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ("en_no_such_model", "no spaCy model en_no_such_model: python -m spacy download en_no_such_model, or set RL_"),
        ("/no/such/folder", "no spaCy model /no/such/folder: python -m spacy download en_core_web_sm, or set RL_"),
        ("{folder}", "holds no spaCy model: config.cfg and meta.json"),
    ],
)
def test_a_missing_model_stops_the_load_with_the_command(tmp_path: Path, monkeypatch, model: str, problem: str):
    monkeypatch.setenv("RL_ASSETS_DETECTORS", DETECTOR)
    monkeypatch.setenv("RL_ASSETS_NAMES_MODEL", model.format(folder=tmp_path))
    with pytest.raises(SettingsError, match=f"RL_ASSETS_DETECTORS: .*{problem}"):
        load_settings()


def test_a_missing_library_stops_the_load_with_the_command(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("rl_assets.core.person_names.version", without_packages)
    monkeypatch.setitem(sys.modules, "spacy", None)
    monkeypatch.setenv("RL_ASSETS_DETECTORS", DETECTOR)
    monkeypatch.setenv("RL_ASSETS_NAMES_MODEL", str(tmp_path))
    load_detector.cache_clear()
    with pytest.raises(SettingsError, match=r"spaCy is not installed: pip install 'rl-assets\[names\]'"):
        load_settings()


def test_a_model_that_finds_no_names_or_cannot_be_loaded_is_an_error(tmp_path: Path):
    with pytest.raises(DetectorError, match="finds no names: none of its labels is PER, PERSON"):
        own_spans(f"{DETECTOR}@{name_model(tmp_path / 'places', 'Paris', label='GPE')}", "Paris")
    broken = name_model(tmp_path / "broken", "Ada")
    (broken / "config.cfg").write_text("[nlp]\nlang = nothing\n", encoding="utf-8")
    with pytest.raises(DetectorError, match=r"spaCy cannot load the model .*broken"):
        own_spans(f"{DETECTOR}@{broken}", "Ada")


def without_packages(package: str) -> str:
    raise PackageNotFoundError(package)
