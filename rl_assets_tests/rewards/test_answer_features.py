import math

import numpy as np
import pytest

from rl_assets.datasets.fit_dimensions import refuses
from rl_assets.rewards.answer_features import feature_names, feature_table


def features(answer: str, prompt: str = "Where is the red bolt?", context: str | None = None) -> dict[str, float]:
    table = feature_table([prompt], [answer], [context], refuses)
    return dict(zip(feature_names(cosine=False), table[0].tolist(), strict=True))


def test_what_each_feature_counts():
    found = features("The bolt is here. The bolt is red!\n- one\n- two", context="The bolt is red and lies in bin 7.")
    assert found["log_characters"] == pytest.approx(math.log1p(46))
    assert found["sentences"] == pytest.approx(math.log1p(2))
    assert found["list_items"] == pytest.approx(math.log1p(2))
    assert found["lines"] == pytest.approx(math.log1p(2))
    assert found["ends_with_punctuation"] == 0
    # the bolt is here the bolt is red one two: "the bolt is" twice of eight trigrams.
    assert found["repeated_trigrams"] == pytest.approx(1 / 8)
    assert found["type_token_ratio"] == pytest.approx(7 / 10)
    assert found["prompt_overlap"] == pytest.approx(7 / 10)
    assert found["words_in_context"] == pytest.approx(7 / 10)
    assert found["trigrams_in_context"] == pytest.approx(3 / 8)


def test_a_refusal_and_digits_are_seen():
    assert features("I'm sorry, but I can't help with that.")["refusal"] == 1
    assert features("It is in bin 7.")["refusal"] == 0
    assert features("1234")["digit_share"] == 1
    assert features('He said "no."')["ends_with_punctuation"] == 1


def test_without_a_context_grounding_is_unknown_not_0():
    found = features("The bolt is red.")
    assert math.isnan(found["words_in_context"]) and math.isnan(found["trigrams_in_context"])
    assert features("The bolt is red.", context=" ")["words_in_context"] != 0


@pytest.mark.parametrize("answer", ["", " ", "…", "a" * 100_000, "\n" * 500])
def test_every_other_feature_of_any_text_is_finite(answer: str):
    found = features(answer, context="The bolt is red.")
    assert all(map(math.isfinite, found.values()))


def test_the_cosine_is_that_of_the_vectors_and_each_text_is_embedded_once():
    asked: list[str] = []

    def embed(texts):
        asked.extend(texts)
        return np.array([[1.0, 0.0] if "bolt" in text else [0.6, 0.8] for text in texts], dtype=np.float32)

    table = feature_table(["a bolt"] * 2, ["a bolt", "a nut"], [None] * 2, refuses, embed)
    assert table[:, -1] == pytest.approx([1.0, 0.6])
    assert sorted(asked) == ["a bolt", "a nut"]
