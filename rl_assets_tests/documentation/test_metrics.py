"""Metrics of an agent that shows images, on planted answers, and the gate on both sides of its goal."""

import pytest

from rl_assets.documentation.metrics import AnsweredQuestion, image_metrics, quality_gate
from rl_assets.metrics.statistics import Interval
from rl_assets.rewards.image_answers import answer_json

CATALOGUE = ("a.png", "b.png", "c.png", "d.png", "e.png")
TEXT = "Open the settings page and choose the second tab, which holds the limits."
AS_FAST = Interval(1.0, 0.98, 1.02, 0.01, 24, 24)


def asked(answer: str, gold: tuple[str, ...] = ("a.png",), page: int = 0) -> AnsweredQuestion:
    return AnsweredQuestion(f"page {page}", gold, CATALOGUE, TEXT, answer)


def showing(*images: str, text: str = TEXT) -> str:
    return answer_json(text, list(images), " ".join(images))


@pytest.mark.parametrize(
    ("answer", "inclusion", "hallucination", "valid"),
    [
        (showing("a.png"), 1, 0, 1),
        (showing("a.png", "b.png"), 1, 0, 1),
        (showing("b.png"), 0, 0, 1),
        (showing("a.png", "z.png"), 0, 1, 1),
        (showing(), 0, 0, 1),
        ("![](a.png)", 0, 0, 0),
    ],
)
def test_an_image_counts_where_it_is_right_and_nothing_is_invented(answer, inclusion, hallucination, valid):
    found = image_metrics([asked(answer)])
    assert [found[name].mean for name in ("inclusion", "hallucination", "json_validity")] == [
        inclusion,
        hallucination,
        valid,
    ]
    assert "false_inclusion" not in found


def test_false_inclusion_is_counted_where_none_is_needed():
    found = image_metrics([asked(showing(), ()), asked(showing("b.png"), (), 1), asked("prose", (), 2)])
    assert found["false_inclusion"].mean == pytest.approx(1 / 3)
    assert "inclusion" not in found


def test_text_is_measured_apart_with_and_without_images():
    found = image_metrics([asked(showing("a.png")), asked(showing(text="something else"), (), 1)])
    assert found["text_f1_with_image"].mean == 1 and found["text_f1_without_image"].mean == 0


def planted(right: int, of: int = 100, needless: int = 0, text: str = TEXT):
    """Of `of` questions that need an image `right` get theirs; of 100 that need none, `needless` get one."""
    needing = [asked(showing("a.png" if i < right else "b.png", text=text), page=i) for i in range(of)]
    plain = [asked(showing("b.png") if i < needless else showing(), (), 1000 + i) for i in range(100)]
    return image_metrics(needing + plain)


@pytest.mark.parametrize(
    ("right", "of", "verdict"),
    [(79, 100, "HOLD"), (80, 100, "PASS"), (81, 100, "PASS"), (19, 19, "INSUFFICIENT"), (0, 20, "HOLD")],
)
def test_the_gate_holds_below_its_goal_and_passes_from_it(right, of, verdict):
    assert quality_gate(planted(right, of), AS_FAST).verdict == verdict


@pytest.mark.parametrize(("shown", "verdict"), [(20, "PASS"), (21, "HOLD"), (100, "HOLD")])
def test_an_agent_that_shows_images_in_vain_does_not_pass(shown, verdict):
    assert quality_gate(planted(100, needless=shown), AS_FAST).verdict == verdict


def test_an_agent_that_invents_images_does_not_pass():
    needing = [asked(showing("a.png"), page=i) for i in range(100)]
    invented = [asked(showing("z.png"), page=100 + i) for i in range(10)]
    found = quality_gate(image_metrics(needing + invented), AS_FAST)
    assert found.reason.endswith("hallucination is 9.1%, at most 5% is allowed")


def words(right: int) -> str:
    """The text with its last words wrong, all but `right`."""
    said = TEXT.split()
    return " ".join([*said[:right], *("wrong" for _ in said[right:])])


@pytest.mark.parametrize(("right", "verdict"), [(13, "PASS"), (12, "PASS"), (11, "HOLD"), (3, "HOLD")])
def test_texts_beside_images_must_not_be_inferior_to_texts_without(right, verdict):
    metrics = planted(100, text=words(right))
    assert metrics["text_difference"].mean <= 0
    assert quality_gate(metrics, AS_FAST).verdict == verdict


def test_a_difference_of_texts_that_may_be_chance_does_not_pass_for_equality():
    mixed = [asked(showing("a.png", text=TEXT if i % 3 else "no word of it"), page=i) for i in range(30)]
    plain = [asked(showing(text=TEXT if i % 3 else "no word of it"), (), 100 + i) for i in range(30)]
    metrics = image_metrics(mixed + plain)
    assert metrics["text_difference"].mean == pytest.approx(0) and metrics["text_difference"].low < -0.1
    assert quality_gate(metrics, AS_FAST).verdict == "HOLD"


def test_texts_of_one_kind_alone_are_insufficient():
    found = quality_gate(image_metrics([asked(showing("a.png"), page=i) for i in range(100)]), AS_FAST)
    assert (found.verdict, "cannot be compared" in found.reason) == ("INSUFFICIENT", True)


@pytest.mark.parametrize(("ratio", "verdict"), [(1.10, "PASS"), (1.11, "HOLD"), (0.5, "PASS"), (None, "INSUFFICIENT")])
def test_a_request_may_take_ten_percent_longer(ratio, verdict):
    assert quality_gate(planted(81), Interval(ratio, None, None, None, 24, 24) if ratio else None).verdict == verdict


def test_intervals_are_over_pages():
    together = image_metrics([asked(showing("a.png" if i < 50 else "b.png"), page=i // 50) for i in range(100)])
    apart = planted(50)
    assert together["inclusion"].clusters == 2 and apart["inclusion"].clusters == 100
    assert together["inclusion"].se > 3 * apart["inclusion"].se


def test_nothing_asked_is_insufficient():
    assert quality_gate(image_metrics([]), None).verdict == "INSUFFICIENT"
