import json
from dataclasses import replace
from pathlib import Path

import pytest

from rl_assets.core.home import Home
from rl_assets.evaluation.promotion.champion import champion_adapter, promote, read_champion, roll_back
from rl_assets.evaluation.promotion.decide import decide
from rl_assets.evaluation.promotion.rules import PromotionRules
from rl_assets.evaluation.schema.decision import Decision
from rl_assets.models.adapters import Adapter
from rl_assets_tests.support.evaluation_samples import SHOWN, lineage, report


def decision(day: str, adapter: Adapter, verdict: str = "PROMOTE") -> Decision:
    decided = decide(report(), None, PromotionRules(), SHOWN)
    return decided.model_copy(update={"day": day, "candidate": adapter.sha256, "verdict": verdict})


@pytest.fixture
def home(models: Path) -> Home:
    """The home in which the adapters lie, without a champion."""
    (models / "champion.json").unlink(missing_ok=True)
    return Home(models)


def test_there_is_no_champion_until_one_is_promoted(home: Home):
    assert read_champion(home) is None


def test_a_promoted_adapter_becomes_champion_by_relative_path(home: Home, candidate: Adapter):
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
    assert set(json.loads(home.champion().read_text(encoding="utf-8"))) == {
        "adapter",
        "hash",
        "day",
        "decision",
        "previous",
        "rolled_back",
    }


@pytest.mark.parametrize("verdict", ["REJECT", "HOLD", "INSUFFICIENT"])
def test_any_other_verdict_changes_nothing(home: Home, candidate: Adapter, verdict: str):
    assert not promote(home, decision("2026-10-02", candidate, verdict), candidate)
    assert read_champion(home) is None


def test_those_before_are_kept_the_newest_first(home: Home, candidate: Adapter, parent: Adapter):
    for day, adapter in (("2026-10-01", parent), ("2026-10-02", candidate), ("2026-10-03", parent)):
        assert promote(home, decision(day, adapter), adapter)
    found = read_champion(home)
    assert found is not None
    assert [str(champion.day) for champion in found.history()] == ["2026-10-03", "2026-10-02", "2026-10-01"]
    assert [champion.hash for champion in found.history()] == [parent.sha256, candidate.sha256, parent.sha256]


def test_the_history_ends_after_twenty(home: Home, candidate: Adapter):
    for number in range(1, 25):
        assert promote(home, decision(f"2026-10-{number:02d}", candidate), candidate)
    found = read_champion(home)
    assert found is not None
    assert [champion.day.day for champion in found.history()] == list(range(24, 4, -1))


def test_rolling_back_points_to_the_one_before_and_says_why(home: Home, candidate: Adapter, parent: Adapter):
    promote(home, decision("2026-10-01", parent), parent)
    promote(home, decision("2026-10-02", candidate), candidate)
    taken, now = roll_back(home, "It insulted a customer.")
    assert (taken.hash, now.hash) == (candidate.sha256, parent.sha256)
    assert read_champion(home) == now
    assert now.rolled_back_reason(candidate.sha256) == "It insulted a customer."


def test_what_was_rolled_back_does_not_come_back_and_others_do(home: Home, candidate: Adapter, parent: Adapter):
    promote(home, decision("2026-10-01", parent), parent)
    promote(home, decision("2026-10-02", candidate), candidate)
    _, now = roll_back(home, "Wrong prices.")
    assert not promote(home, decision("2026-10-03", candidate), candidate)
    assert read_champion(home) == now
    compared = report("champion", lineage=lineage("champion", champion_sha256=now.hash))
    models = compared.models | {"candidate": compared.candidate.model_copy(update={"sha256": candidate.sha256})}
    held = decide(compared.model_copy(update={"models": models}), now, PromotionRules(), SHOWN)
    assert (held.verdict, held.reasons) == ("HOLD", ["The candidate was champion and was rolled back: Wrong prices."])
    other = replace(candidate, sha256="1" * 64)
    assert promote(home, decision("2026-10-03", other), other)
    after = read_champion(home)
    assert after is not None and after.rolled_back == now.rolled_back


def test_without_one_before_there_is_nothing_to_roll_back_to(home: Home, parent: Adapter):
    with pytest.raises(ValueError, match="nothing to roll back to"):
        roll_back(home, "r")
    promote(home, decision("2026-10-01", parent), parent)
    before = home.champion().read_bytes()
    with pytest.raises(ValueError, match="nothing to roll back to"):
        roll_back(home, "r")
    assert home.champion().read_bytes() == before


def test_a_former_champion_with_other_weights_is_not_rolled_back_to(home: Home, candidate: Adapter, parent: Adapter):
    swapped = replace(parent, sha256="0" * 64)
    promote(home, decision("2026-10-01", swapped), swapped)
    promote(home, decision("2026-10-02", candidate), candidate)
    with pytest.raises(ValueError, match="restore the folder"):
        roll_back(home, "r")


@pytest.mark.parametrize("day", ["2026-10-01", "2026-10-05"])
def test_a_day_that_is_not_newer_replaces_nothing(home: Home, candidate: Adapter, parent: Adapter, day: str):
    promote(home, decision("2026-10-05", parent), parent)
    before = home.champion().read_bytes()
    assert not promote(home, decision(day, candidate), candidate)
    assert home.champion().read_bytes() == before


def test_a_decision_on_other_weights_is_refused(home: Home, candidate: Adapter, parent: Adapter):
    with pytest.raises(ValueError, match="decide again"):
        promote(home, decision("2026-10-02", candidate), parent)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"adapter": "a", "hash": "h", "day": "soon"}'])
def test_a_broken_champion_file_is_named_with_what_to_do(tmp_path: Path, content: str):
    (tmp_path / "champion.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"champion\.json is not a champion file: .*Restore it"):
        read_champion(Home(tmp_path))


def test_a_champion_whose_weights_were_swapped_is_refused(home: Home, candidate: Adapter):
    swapped = replace(candidate, sha256="0" * 64)
    promote(home, decision("2026-10-02", swapped), swapped)
    found = read_champion(home)
    assert found is not None
    with pytest.raises(ValueError, match="restore the folder"):
        champion_adapter(home, found)
