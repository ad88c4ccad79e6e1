"""How confidently images belong to their text, measured on pairs labelled by hand."""

import numpy as np
import pytest

from rl_assets.documentation.confidence import confidence, confidence_v1, cosine, is_informative
from rl_assets.documentation.extraction import text_columns
from rl_assets.documentation.markdown import to_html
from rl_assets.documentation.references import references
from rl_assets_tests.support.labelled_images import labelled_pairs, labels


def v1(text):
    (reference,) = references(to_html(text))
    return confidence_v1(text_columns(reference) | {"alt": reference.alt})


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("![](x.png)", 0),
        ("![a name](x.png)", 0.2),
        ("A paragraph of more than twenty characters.\n\n![](x.png)", 0.3),
        ("A paragraph of more than twenty characters.\n\n![a name](x.png)\n\nAnd another one that is as long.", 0.8),
        ("words " * 20 + "\n\n![a name](x.png)\n\nAnd another one that is as long.", 1.0),
    ],
)
def test_the_simple_score_adds_up(text, score):
    assert v1(text) == score


@pytest.mark.parametrize(
    ("alt", "informative"),
    [
        ("Log in dialog", True),
        ("dialog", False),
        ("image 1", False),
        ("my-nice-shot.png", False),
        ("設定 画面 です", True),
    ],
)
def test_an_informative_alt_has_three_words_and_is_no_file_name(alt, informative):
    assert is_informative(alt) is informative


PAIR = {
    **{"alt": "", "caption": "", "path": "img/3.png", "headings": ["Sign in"], "text_after": "", "context": ""},
    **{"width": 800, "height": 600, "dominant_colour": 0.5, "image_type": "screenshot", "decoration": False},
}


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("", 0.4, 0.6),
        ("Authentication", 0.4, 0.75),
        ("Authentication configuration", 0.4, 0.85),
        ("Enter the name of the pool and save it", 0.97, 1),
        ("プールの名前を入力して保存します。", 0.97, 1),
        ("プール", 0.4, 0.9),
    ],
)
def test_a_text_of_a_few_words_introduces_no_image_however_long_they_are(text, low, high):
    assert low < confidence(PAIR | {"text_before": text}) < high


def test_the_cosine_ignores_small_words_and_endings():
    assert cosine("The settings page", "settings of pages") == pytest.approx(1)
    assert cosine("alpha", "beta") == 0 == cosine("", "")


def auc(scores, truth):
    """Share of (positive, negative) couples in which the positive scores higher; ties count half."""
    positive, negative = scores[truth == 1][:, None], scores[truth == 0][None, :]
    return float((positive > negative).mean() + (positive == negative).mean() / 2)


@pytest.fixture(scope="module")
def judged(published_data):
    return labelled_pairs(published_data)


@pytest.mark.slow
def test_all_labels_are_of_pairs_that_are_there(judged):
    assert len(judged) == len(labels()) == 336
    assert sum(1 - label for _, label in judged) == 36


@pytest.mark.slow
def test_the_calibrated_confidence_ranks_better_and_says_what_it_means(judged):
    truth = np.array([label for _, label in judged])
    simple = np.array([pair["confidence_v1"] for pair, _ in judged])
    calibrated = np.array([pair["confidence"] for pair, _ in judged])
    assert auc(calibrated, truth) > max(0.92, auc(simple, truth))
    assert np.mean((calibrated - truth) ** 2) < 0.06 < np.mean((simple - truth) ** 2)
    assert abs(calibrated.mean() - truth.mean()) < 0.02


@pytest.mark.slow
def test_what_is_kept_is_nearly_always_right_and_confident(judged):
    kept = [(pair, label) for pair, label in judged if pair["kept"]]
    assert np.mean([label for _, label in kept]) > 0.95
    assert np.mean([pair["confidence"] for pair, _ in kept]) > 0.8
    assert len({pair["image_type"] for pair, _ in kept}) >= 3
