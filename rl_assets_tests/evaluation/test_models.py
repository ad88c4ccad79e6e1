"""Who is evaluated on a day, from the adapters that lie in a home."""

from dataclasses import replace
from pathlib import Path

import pytest

from rl_assets.core.home import Home
from rl_assets.evaluation.promotion.champion import promote
from rl_assets.evaluation.promotion.decide import decide
from rl_assets.evaluation.promotion.rules import PromotionRules
from rl_assets.evaluation.run.models import EvaluatedModels, models_of_day
from rl_assets_tests.support.evaluation_samples import DAY, SHOWN, random_adapter, report


@pytest.fixture
def home(tmp_path: Path, base):
    """A day with four adapters, the last two trained on the first."""
    sft = random_adapter(base, tmp_path / "adapters" / "sft" / "aaaa", "sft", seed=1)
    random_adapter(base, tmp_path / "adapters" / "dpo" / "bbbb", "dpo", seed=2, parent=sft)
    random_adapter(base, tmp_path / "adapters" / "grpo" / "cccc", "grpo", seed=3, parent=sft)
    random_adapter(base, tmp_path / "adapters" / "reward" / "dddd", "reward", seed=4)
    return Home(tmp_path)


@pytest.mark.parametrize(("kind", "parent", "others"), [("dpo", "sft", ["grpo"]), ("grpo", "sft", ["dpo"])])
def test_any_adapter_may_be_the_candidate_and_its_parent_is_the_one_it_was_trained_on(home, base, kind, parent, others):
    found = models_of_day(home, DAY, base, kind)
    assert found.parent is not None
    assert (found.candidate.kind, found.parent.kind) == (kind, parent)
    assert [adapter.kind for adapter in found.others] == others
    assert next(iter(found.distinct())) == base.sha256 and len(found.distinct()) == 4
    assert [found.has_role(adapter) for adapter in found.distinct().values()] == [True, True, True, False]


def test_a_first_adapter_has_no_parent(home, base):
    found = models_of_day(home, DAY, base, "sft")
    assert found.parent is None and [adapter.kind for adapter in found.others] == ["dpo", "grpo"]


def test_a_day_without_the_candidate_says_what_to_materialize(home, base):
    with pytest.raises(FileNotFoundError, match="has no kto adapter to evaluate; materialize kto_adapter first"):
        models_of_day(home, DAY, base, "kto")


def test_the_champion_comes_from_its_file_and_is_what_the_candidate_would_replace(home, base):
    sft = models_of_day(home, DAY, base, "sft").candidate
    decided = decide(report(), None, PromotionRules(), SHOWN).model_copy(update={"candidate": sft.sha256})
    assert promote(home, decided, sft)
    found = models_of_day(home, DAY, base, "dpo")
    assert found.champion == sft and found.against == "champion"
    assert [found.label(adapter) for adapter in found.distinct().values()] == [
        "tiny",
        "dpo bbbb",
        "sft aaaa",
        "grpo cccc",
    ]


def test_adapters_of_another_base_are_named_and_not_evaluated(base, candidate, parent):
    foreign = replace(parent, kind="kto", inputs_hash="eeee", base_sha256="0" * 64)
    found = EvaluatedModels(base, candidate, others=(foreign,))
    assert list(found.distinct().values()) == [None, candidate]
    assert found.not_evaluated() == ["The kto adapter eeee belongs to another base model and was not evaluated."]
