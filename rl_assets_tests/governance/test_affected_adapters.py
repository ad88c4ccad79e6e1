"""Adapters that learned from the erased are named and marked; the others are not."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from rl_assets.core.files import write_json
from rl_assets.core.home import Home
from rl_assets.evaluation.promotion.decide import decide
from rl_assets.evaluation.promotion.rules import PromotionRules
from rl_assets.governance.affected_adapters import MARK, affected_adapters, champion_is_affected, mark_adapters
from rl_assets.governance.dataset_folders import HeldRows
from rl_assets_tests.support.adapter_samples import sample_manifest
from rl_assets_tests.support.evaluation_samples import SHOWN, report
from rl_assets_tests.support.logs import DAY

HELD = [
    HeldRows(
        name="sft_dataset", day="2026-10-01", sha256="holds", rows={"train": 2, "validation": 1, "test": 4}, answers=7
    ),
    HeldRows(
        name="sft_dataset",
        day="2026-10-02",
        sha256="in test only",
        rows={"train": 0, "validation": 0, "test": 4},
        answers=4,
    ),
]


def adapter(
    home: Path, name: str, dataset: str, parent: str | None = None, day: date = DAY, below: str = "sft"
) -> None:
    """An adapter folder with the manifest of one that was trained on the dataset of that hash."""
    manifest = sample_manifest(
        kind=below.rsplit("/", maxsplit=1)[-1],
        day=str(day),
        dataset={"name": "sft_dataset", "day": str(day), "sha256": dataset, "used": 1, "dropped": {}, "cut": 0},
        parent={"inputs_hash": "x", "sha256": f"weights of {parent}"} if parent else None,
        sha256=f"weights of {name}",
    )
    write_json(home / "adapters" / below / name / "manifest.json", manifest.model_dump(mode="json"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    adapter(tmp_path, "learned", "holds")
    adapter(tmp_path, "tested", "in test only")
    adapter(tmp_path, "child", "other", parent="learned", day=date(2026, 9, 1), below="dpo")
    adapter(tmp_path, "grandchild", "other", parent="child", day=date(2026, 9, 1), below="support/grpo")
    adapter(tmp_path, "rebuilt", "a version that is gone")
    adapter(tmp_path, "early", "a version that is gone", day=date(2026, 9, 1))
    return Home(tmp_path)


def test_an_adapter_is_affected_by_rows_it_learned_from_and_by_its_parents(home):
    found = {Path(one.folder).name: (one.reason, one.rows, one.segment) for one in affected_adapters(home, HELD, DAY)}
    assert found == {
        "learned": ("rows", 3, None),
        "child": ("parent", 0, None),
        "grandchild": ("parent", 0, "support"),
        "rebuilt": ("possibly", 0, None),
    }


def test_nothing_is_affected_if_nothing_was_found(home):
    assert affected_adapters(home, HELD[1:], None) == []


def test_each_erasure_leaves_its_mark_beside_the_weights(home):
    for erasure in ("first", "second"):
        mark_adapters(home, affected_adapters(home, HELD, DAY), erasure)
    marks = json.loads((home.adapters() / "sft" / "learned" / MARK).read_text(encoding="utf-8"))
    assert [one["erasure"] for one in marks] == ["first", "second"]
    assert not (home.adapters() / "sft" / "early" / MARK).exists()


def test_the_champion_is_known_to_be_among_them_by_its_weights(home):
    found = affected_adapters(home, HELD, DAY)
    assert not champion_is_affected(home, found)
    decision = decide(report(), None, PromotionRules(), SHOWN).model_dump(mode="json")
    champion = {"adapter": "adapters/dpo/child", "hash": "weights of child", "day": str(DAY), "decision": decision}
    write_json(home.champion(), champion)
    assert champion_is_affected(home, found)
    home.champion().rename(home.folder / "of_product.json")
    assert not champion_is_affected(home, found)
    write_json(home.champion("billing"), champion)
    assert champion_is_affected(home, found)
    shutil.rmtree(home.adapters() / "sft" / "learned")
    assert not champion_is_affected(home, affected_adapters(home, HELD, DAY))
