import pytest

from rl_assets.datasets.fit_dimensions import refuses
from rl_assets.rewards.dimension_fit import fit_dimension
from rl_assets.rewards.dimension_model import DimensionRewards, StoredDimensions, store_head
from rl_assets.rewards.dimension_names import (
    dimension_reward,
    has_signal,
    is_dimension,
    part_weights,
    require_floors_hold,
)
from rl_assets.rewards.weighing import DEFAULT, parse_weighing
from rl_assets_tests.support.planted_dimensions import grounded, planted, short

FLOORED = parse_weighing({"tone": {"weight": 0.6}, "brevity": {"weight": 0.4, "floor": 0.5}})
PLAIN = parse_weighing({"tone": {"weight": 0.6}, "brevity": {"weight": 0.4}})


@pytest.fixture(scope="module")
def rewards() -> DimensionRewards:
    """A head that beats length, one that is forced, and one that does neither."""
    heads = {}
    for name, rule, force in (("tone", grounded, False), ("brevity", short, True), ("terse", short, False)):
        fit, data = planted(rule, prompts=100)
        heads[name] = store_head(fit_dimension(fit, data), fit.names, force)
    stored = StoredDimensions(
        version="v", backend="linear", cosine=False, heads=heads, skipped={"brand": "3 training pairs"}
    )
    return DimensionRewards(stored, refuses)


def asked(*answers: str) -> dict[str, list]:
    prompt = [{"role": "user", "content": "What is part 7?"}]
    completions = [[{"role": "assistant", "content": answer}] for answer in answers]
    return {"prompts": [prompt] * len(answers), "completions": completions}


def test_a_part_is_the_value_of_its_head_and_the_sum_weighs_them(rewards: DimensionRewards):
    given = asked("bolt nut gear.", "hinge valve pump.") | {"context": ["bolt nut gear rod"] * 2}
    tone = dimension_reward("dimension:tone", rewards, PLAIN)(**given)
    brevity = dimension_reward("dimension:brevity", rewards, PLAIN)(**given)
    assert tone[0] > tone[1]
    total = dimension_reward("dimensions", rewards, PLAIN)(**given)
    assert total == pytest.approx([0.6 * a + 0.4 * b for a, b in zip(tone, brevity, strict=True)])
    capped = dimension_reward("dimensions", rewards, FLOORED)(**given)
    assert all(value <= part for value, part in zip(capped, brevity, strict=True) if part < 0.5)


def test_a_head_that_is_not_offered_or_not_there_is_no_reward(rewards: DimensionRewards):
    with pytest.raises(ValueError, match="'terse' is not shown to beat the length of answers"):
        dimension_reward("dimension:terse", rewards, PLAIN)
    with pytest.raises(ValueError, match="no head of the dimension 'brand': 3 training pairs"):
        dimension_reward("dimension:brand", rewards, PLAIN)
    with pytest.raises(ValueError, match="weighs accuracy, brand, compliance, which nothing gives a value of"):
        dimension_reward("dimensions", rewards, DEFAULT)


def test_a_floor_is_refused_where_parts_are_normalised_one_by_one():
    parts = ["dimension:tone", "dimension:brevity"]
    refused = r"a floor for brevity, .* which undoes floors: use the one reward `dimensions`"
    with pytest.raises(ValueError, match=refused):
        require_floors_hold(parts, FLOORED)
    with pytest.raises(ValueError, match="undoes floors"):
        require_floors_hold(["exact_answer", "dimension:tone"], FLOORED)
    for names in (["dimensions"], ["dimension:tone"], ["dimensions", "exact_answer"]):
        require_floors_hold(names, FLOORED)
    require_floors_hold(parts, PLAIN)


def test_parts_are_weighed_as_the_file_says():
    assert part_weights(["dimension:brevity", "dimension:tone"], PLAIN) == [0.4, 0.6]
    assert part_weights(["dimensions"], PLAIN) is None
    assert part_weights(["dimension:tone", "exact_answer"], PLAIN) is None
    with pytest.raises(ValueError, match="no weight to brand"):
        part_weights(["dimension:brand"], PLAIN)


def test_answers_of_equal_sums_still_differ():
    assert has_signal([[1.0, 0.0], [0.0, 1.0]])
    assert not has_signal([[0.5, 0.5], [0.5, 0.5]])
    assert not has_signal([[None, 0.5], [1.0, 0.5]])


def test_names():
    assert is_dimension("dimensions") and is_dimension("dimension:tone") and not is_dimension("dimensional")
