"""Detectors of one's own: what they find is replaced, and what cannot be is an error that names them."""

import pytest

from rl_assets.core.detectors import DetectorError, load_detector, own_spans
from rl_assets.features.privacy import find, redact
from rl_assets.features.privacy_rules import PrivacyRules
from rl_assets.settings import SettingsError, load_settings

SAMPLES = "rl_assets_tests.support.detector_samples"


def test_what_a_detector_finds_is_replaced_alongside_our_own_findings():
    text = "Ada Byron (ada.byron@example.com, +1 212 555 0143) wrote to Ada Byron."
    assert redact(text, (f"{SAMPLES}:codenames",)) == (
        "<PERSON> (<EMAIL>, <PHONE>) wrote to <PERSON>.",
        ["PERSON", "EMAIL", "PHONE", "PERSON"],
    )
    assert find("<PERSON> (<EMAIL>)", (f"{SAMPLES}:codenames",)) == []


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        ("none", "gave None: return an empty list"),
        ("too_long", "the span 0 to 14 of a text of 13 characters"),
        ("overlapping", "spans that overlap"),
        ("unkind", "the kind 'a person': write capitals"),
        ("failing", "failed on a text: RuntimeError"),
        ("no_spans", r"gave a str: give spans \(start, end, kind\)"),
    ],
)
def test_spans_that_cannot_be_are_errors_that_quote_no_text(function, problem):
    with pytest.raises(DetectorError, match=problem) as raised:
        own_spans(f"{SAMPLES}:{function}", "my secret, 42")
    assert f"{SAMPLES}:{function}" in str(raised.value) and "secret" not in str(raised.value)


def test_a_detector_that_always_finds_more_is_an_error():
    with pytest.raises(DetectorError, match="5 times in a row"):
        redact("abcdefghijk", (f"{SAMPLES}:never_done",))


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("spacy", "'spacy' is no detector: write package.module:function"),
        ("no_such_module:find", "cannot be imported: ModuleNotFoundError"),
        (f"{SAMPLES}:missing", "is no function of the module"),
        (f"{SAMPLES}:of_two", "must take one text"),
    ],
)
def test_a_detector_that_cannot_be_used_stops_the_load(monkeypatch, name, problem):
    monkeypatch.setenv("RL_ASSETS_DETECTORS", name)
    with pytest.raises(SettingsError, match=f"RL_ASSETS_DETECTORS: .*{problem}"):
        load_settings()


def test_several_detectors_are_named_with_commas(monkeypatch):
    monkeypatch.setenv("RL_ASSETS_DETECTORS", f"{SAMPLES}:codenames, {SAMPLES}:none")
    assert load_settings().detector_names == (f"{SAMPLES}:codenames", f"{SAMPLES}:none")


def test_another_version_of_a_detector_makes_features_out_of_date(monkeypatch):
    from rl_assets.core.detectors import detector_version

    before = PrivacyRules((f"{SAMPLES}:codenames",)).method
    monkeypatch.setattr(load_detector(f"{SAMPLES}:codenames"), "version", "2", raising=False)
    detector_version.cache_clear()
    after = PrivacyRules((f"{SAMPLES}:codenames",)).method
    detector_version.cache_clear()
    assert len({before, after, PrivacyRules().method, PrivacyRules(key=b"another key").method}) == 4
