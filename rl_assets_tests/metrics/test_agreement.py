"""Agreement of people, and with people, on the three annotators of PandaLM's test set."""

import json
from itertools import combinations
from pathlib import Path

import pytest

from rl_assets.metrics.agreement import Vote, alignment, human_agreement, majority

CODES: dict[int, Vote] = {0: "tie", 1: "first", 2: "second"}


@pytest.fixture
def panda(published_data: Path) -> list[dict]:
    path = published_data / "pref-pandalm" / "pairs.jsonl"
    return [json.loads(line) for line in path.open(encoding="utf-8")]


def votes(row: dict) -> list[Vote]:
    return [CODES[row[f"annotator{n}"]] for n in (1, 2, 3)]


def test_a_majority_is_more_than_half_and_else_a_tie():
    assert majority(["first", "first", "second"]) == "first"
    assert majority(["first", "second", "tie"]) == "tie"
    assert majority(["first", "second"]) == "tie"
    assert majority(["tie", "tie", "first"]) == "tie"


def test_the_counts_are_those_that_the_source_tells(panda):
    found = human_agreement([votes(row) for row in panda], [row["instruction"] for row in panda])
    assert (found.pairs, found.unanimous) == (613, 542)
    assert found.pairwise.clusters == 105
    assert 0.9 < found.pairwise.mean < found.ceiling.mean < 1.0


def test_kappa_lies_among_those_of_each_two_annotators(panda):
    from sklearn.metrics import cohen_kappa_score

    rows = [votes(row) for row in panda]
    pairs = [cohen_kappa_score([r[a] for r in rows], [r[b] for r in rows]) for a, b in combinations(range(3), 2)]
    found = human_agreement(rows, [row["instruction"] for row in panda])
    assert found.kappa == pytest.approx(sum(pairs) / 3, abs=0.002)


def test_kappa_is_observed_agreement_corrected_for_chance():
    """Observed and chance agreement worked out by hand from the formulas of Fleiss 1971."""
    table = [(0, 0, 3), (3, 0, 0), (2, 1, 0), (0, 3, 0), (1, 1, 1), (3, 0, 0)]
    rows = [["first"] * a + ["second"] * b + ["tie"] * c for a, b, c in table]
    observed = (1 + 1 + 1 / 3 + 1 + 0 + 1) / 6
    chance = (9 / 18) ** 2 + (5 / 18) ** 2 + (4 / 18) ** 2
    found = human_agreement(rows, [str(n) for n in range(6)])
    assert found.kappa == pytest.approx((observed - chance) / (1 - chance))
    assert (found.unanimous, found.without_majority) == (4, 1)


def test_a_majority_agrees_with_itself_and_a_single_annotator_reaches_the_ceiling_or_so(panda):
    clusters = [row["instruction"] for row in panda]
    people = [majority(votes(row)) for row in panda]
    whole = alignment(people, people, clusters)
    assert whole.all_pairs.mean == 1.0 and whole.decided is not None and whole.decided.n < 613
    ceiling = human_agreement([votes(row) for row in panda], clusters).ceiling
    single = alignment([votes(row)[0] for row in panda], people, clusters)
    assert single.all_pairs.mean == pytest.approx(ceiling.mean, abs=0.05)


def test_the_longer_answer_is_a_poor_judge_and_far_from_the_ceiling(panda):
    clusters, people = [row["instruction"] for row in panda], [majority(votes(row)) for row in panda]
    longer: list[Vote] = ["first" if len(r["response1"]) > len(r["response2"]) else "second" for r in panda]
    found = alignment(longer, people, clusters)
    assert found.decided is not None and found.decided.high is not None
    assert found.decided.high < human_agreement([votes(row) for row in panda], clusters).ceiling.low


def test_only_ties_leave_nothing_decided():
    assert alignment(["tie", "tie"], ["first", "tie"], ["a", "b"]).decided is None


def test_unequal_numbers_of_raters_are_refused():
    with pytest.raises(ValueError, match="same number of raters"):
        human_agreement([["first", "first", "first"], ["tie", "tie"]], ["a", "b"])
