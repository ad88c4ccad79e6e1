from pathlib import Path

import pytest

from rl_assets.rewards.weighing import (
    DEFAULT,
    MissingDimensionError,
    Weighing,
    parse_weighing,
    read_weighing,
    require_known,
    weigh,
)

FLOORED = {
    "accuracy": {"weight": 0.5},
    "brand": {"weight": 0.3},
    "compliance": {"weight": 0.2, "floor": 0.5},
}


def values(accuracy: float | None, brand: float | None, compliance: float | None) -> dict[str, float | None]:
    return {"accuracy": accuracy, "brand": brand, "compliance": compliance}


def test_a_perfect_answer_that_breaks_the_rules_gets_nothing():
    assert weigh(values(1, 1, 0), parse_weighing(FLOORED)).reward == 0
    assert weigh(values(1, 1, 0), DEFAULT).reward == pytest.approx(0.8)


def test_above_its_floor_a_dimension_only_weighs():
    found = weigh(values(1, 0.5, 0.5), parse_weighing(FLOORED))
    assert found.reward == pytest.approx(0.75) and found.values == values(1, 0.5, 0.5)
    assert weigh(values(1, 1, 0.49), parse_weighing(FLOORED)).reward == 0.49
    assert weigh(values(0, 0, 0.49), parse_weighing(FLOORED)).reward == pytest.approx(0.098)


def test_no_reward_is_above_a_dimension_that_lies_below_its_floor():
    weighing = parse_weighing({"a": {"weight": 0.4, "floor": 0.9}, "b": {"weight": 0.6, "floor": 0.3}})
    for a in (0.0, 0.2, 0.5, 0.89, 1.0):
        for b in (0.0, 0.1, 0.29, 0.3, 1.0):
            reward = weigh({"a": a, "b": b}, weighing).reward
            assert 0 <= reward <= 1 and (a >= 0.9 or reward <= a) and (b >= 0.3 or reward <= b)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            {"a": {"weight": 0.5}, "b": {"weight": 0.3}, "c": {"weight": 0.3}},
            "the weights 0.5 \\+ 0.3 \\+ 0.3 sum to 1.1: they must sum to 1",
        ),
        ({"a": {"weight": -0.5}, "b": {"weight": 1.5}}, "dimensions.a.weight is -0.5: use 0 or more"),
        ({"a": {"weight": 1, "floor": 1.2}}, "dimensions.a.floor is 1.2: use 1 or less"),
        ({"a": {"weight": float("nan")}}, "dimensions.a.weight is nan"),
        ({"a": {"wieght": 1}}, "dimensions.a.wieght is no key"),
        ({"a": {"weight": 1}, "missing": "zero"}, "missing is 'zero': use 'error' or 'renormalise'"),
        ({"a": 1.0}, "dimensions.a is 1.0: use a mapping"),
        ({"missing": "error"}, "expected a mapping from each dimension"),
        (["a"], "expected a mapping from each dimension"),
        (None, "expected a mapping from each dimension"),
    ],
)
def test_weights_that_cannot_be_used_are_refused_with_what_is_wrong(content, sentence):
    with pytest.raises(ValueError, match=sentence):
        parse_weighing(content)


def test_the_file_is_named_in_the_error_and_without_one_the_default_counts(tmp_path: Path):
    path = tmp_path / "rewards.yaml"
    assert read_weighing(path) == DEFAULT
    path.write_text("accuracy: {weight: 0.7}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"rewards.yaml: the weights 0.7 sum to 0.7"):
        read_weighing(path)
    path.write_text("accuracy: {weight: [\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"rewards.yaml is not valid YAML"):
        read_weighing(path)


def test_weights_of_a_dimension_without_values_are_refused():
    with pytest.raises(
        ValueError, match=r"weighs compliance, which nothing gives a value of: there are accuracy, brand"
    ):
        require_known(DEFAULT, ["brand", "accuracy"])
    require_known(DEFAULT, ["brand", "accuracy", "compliance", "tone"])


def test_a_missing_value_is_an_error_that_names_it_and_never_0():
    with pytest.raises(MissingDimensionError, match="no value in brand"):
        weigh(values(1, None, 1), DEFAULT)
    with pytest.raises(MissingDimensionError, match="accuracy, brand, compliance"):
        weigh({}, DEFAULT)


def test_by_choice_the_others_share_the_weight_of_a_missing_dimension_but_not_of_one_with_a_floor():
    weighing = parse_weighing(FLOORED | {"missing": "renormalise"})
    found = weigh(values(1, None, 0.6), weighing)
    assert found.reward == pytest.approx((0.5 + 0.2 * 0.6) / 0.7) and found.without == ("brand",)
    with pytest.raises(MissingDimensionError, match="no value in compliance"):
        weigh(values(1, 1, None), weighing)
    with pytest.raises(MissingDimensionError):
        weigh({}, parse_weighing({"a": {"weight": 1}, "missing": "renormalise"}))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1.1])
def test_a_value_that_is_none_is_refused(value: float):
    with pytest.raises(ValueError, match=r"accuracy is .*: a value lies in \[0, 1\]"):
        weigh(values(value, 1, 1), DEFAULT)


def test_other_weights_are_another_version():
    first, second = parse_weighing(FLOORED), parse_weighing(FLOORED | {"missing": "renormalise"})
    assert first.version != second.version
    assert first.version == Weighing.model_validate_json(first.model_dump_json()).version
