"""Metrics of an agent that shows images, on planted answers, and the gate on both sides of its goal."""

import pytest

from rl_assets.images.metrics import Asked, gate, image_metrics
from rl_assets.rewards.image_answers import answer_json

CATALOGUE = ("a.png", "b.png", "c.png", "d.png", "e.png")
TEXT = "Open the settings page and choose the second tab, which holds the limits."


def asked(answer: str, gold: tuple[str, ...] = ("a.png",), page: int = 0) -> Asked:
    return Asked(f"page {page}", gold, CATALOGUE, TEXT, answer)


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


def planted(right: int, of: int = 100):
    return image_metrics([asked(showing("a.png" if i < right else "b.png"), page=i) for i in range(of)])


@pytest.mark.parametrize(
    ("right", "of", "verdict"),
    [(79, 100, "HOLD"), (80, 100, "PASS"), (81, 100, "PASS"), (19, 19, "INSUFFICIENT"), (0, 20, "HOLD")],
)
def test_the_gate_holds_below_its_goal_and_passes_from_it(right, of, verdict):
    assert gate(planted(right, of)).verdict == verdict


@pytest.mark.parametrize(("shown", "verdict"), [(20, "PASS"), (21, "HOLD"), (100, "HOLD")])
def test_an_agent_that_shows_images_in_vain_does_not_pass(shown, verdict):
    needing = [asked(showing("a.png"), page=i) for i in range(100)]
    needless = [asked(showing("b.png") if i < shown else showing(), (), 100 + i) for i in range(100)]
    assert gate(image_metrics(needing + needless)).verdict == verdict


def test_an_agent_that_invents_images_does_not_pass():
    needing = [asked(showing("a.png"), page=i) for i in range(100)]
    invented = [asked(showing("z.png"), page=100 + i) for i in range(10)]
    assert gate(image_metrics(needing + invented)).reason.endswith("hallucination is 9.1%, at most 5% is allowed")


def test_intervals_are_over_pages():
    together = image_metrics([asked(showing("a.png" if i < 50 else "b.png"), page=i // 50) for i in range(100)])
    apart = planted(50)
    assert together["inclusion"].clusters == 2 and apart["inclusion"].clusters == 100
    assert together["inclusion"].se > 3 * apart["inclusion"].se


def test_nothing_asked_is_insufficient():
    assert gate(image_metrics([])).verdict == "INSUFFICIENT"
