import json
from dataclasses import replace
from pathlib import Path

import pytest

from rl_assets.evaluation.champion import champion_adapter, promote, read_champion
from rl_assets.evaluation.decision import Decision
from rl_assets.evaluation.promotion import PromotionRules, decide
from rl_assets.training.adapters import Adapter
from rl_assets_tests.evaluation.samples import report


def decision(day: str, adapter: Adapter, verdict: str = "PROMOTE") -> Decision:
    decided = decide(report(), None, PromotionRules())
    return decided.model_copy(update={"day": day, "candidate": adapter.sha256, "verdict": verdict})


@pytest.fixture
def home(models: Path) -> Path:
    """The home in which the adapters lie, without a champion."""
    (models / "champion.json").unlink(missing_ok=True)
    return models


def test_there_is_no_champion_until_one_is_promoted(home: Path):
    assert read_champion(home) is None


def test_a_promoted_adapter_becomes_champion_by_relative_path(home: Path, candidate: Adapter):
    assert promote(home, decision("2026-10-02", candidate), candidate)
    found = read_champion(home)
    assert found is not None
    assert (found.adapter, found.hash, str(found.day)) == (
        "adapters/dpo/bbbb",
        candidate.sha256,
        "2026-10-02",
    )
    assert found.decision.verdict == "PROMOTE"
    assert found.previous is None
    assert champion_adapter(home, found).sha256 == candidate.sha256
    assert set(json.loads((home / "champion.json").read_text(encoding="utf-8"))) == {
        "adapter",
        "hash",
        "day",
        "decision",
        "previous",
    }


@pytest.mark.parametrize("verdict", ["REJECT", "HOLD", "INSUFFICIENT"])
def test_any_other_verdict_changes_nothing(home: Path, candidate: Adapter, verdict: str):
    assert not promote(home, decision("2026-10-02", candidate, verdict), candidate)
    assert read_champion(home) is None


def test_the_one_before_is_kept_one_level_deep(home: Path, candidate: Adapter, parent: Adapter):
    for day, adapter in (("2026-10-01", parent), ("2026-10-02", candidate), ("2026-10-03", parent)):
        assert promote(home, decision(day, adapter), adapter)
    found = read_champion(home)
    assert found is not None
    assert found.previous is not None
    assert (found.hash, found.previous.hash) == (parent.sha256, candidate.sha256)
    assert str(found.previous.day) == "2026-10-02"
    assert found.previous.previous is None


@pytest.mark.parametrize("day", ["2026-10-01", "2026-10-05"])
def test_a_day_that_is_not_newer_replaces_nothing(home: Path, candidate: Adapter, parent: Adapter, day: str):
    promote(home, decision("2026-10-05", parent), parent)
    before = (home / "champion.json").read_bytes()
    assert not promote(home, decision(day, candidate), candidate)
    assert (home / "champion.json").read_bytes() == before


def test_a_decision_on_other_weights_is_refused(home: Path, candidate: Adapter, parent: Adapter):
    with pytest.raises(ValueError, match="decide again"):
        promote(home, decision("2026-10-02", candidate), parent)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"adapter": "a", "hash": "h", "day": "soon"}'])
def test_a_broken_champion_file_is_named_with_what_to_do(tmp_path: Path, content: str):
    (tmp_path / "champion.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"champion\.json is not a champion file: .*Restore it"):
        read_champion(tmp_path)


def test_a_champion_whose_weights_were_swapped_is_refused(home: Path, candidate: Adapter):
    swapped = replace(candidate, sha256="0" * 64)
    promote(home, decision("2026-10-02", swapped), swapped)
    found = read_champion(home)
    assert found is not None
    with pytest.raises(ValueError, match="restore the folder"):
        champion_adapter(home, found)
