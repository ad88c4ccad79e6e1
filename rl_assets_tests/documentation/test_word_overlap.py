"""The share of questions whose image is found by shared words."""

import pytest

from rl_assets.documentation.word_overlap import chance_by_words, word_overlap
from rl_assets.rewards.images import listing

OFFER = {
    "img/a.png": "The settings dialog (screenshot)",
    "img/b.png": "A network (diagram)",
    "img/c.png": "Cats (photo)",
}


def row(text, right, page="p"):
    messages = [{"role": "user", "content": text + listing(OFFER)}, {"role": "assistant", "content": "{}"}]
    return {"messages": messages, "catalogue": [*OFFER], "gold_images": right, "metadata": {"prompt_key": page}}


@pytest.mark.parametrize(
    ("text", "right", "chance"),
    [
        ("How do I open the settings dialog?", ["img/a.png"], 1),
        ("How do I open the settings dialog?", ["img/b.png"], 0),
        ("Something else?", ["img/b.png"], 1 / 3),
    ],
)
def test_the_image_that_shares_most_words_is_chosen_and_ties_are_drawn(text, right, chance):
    assert chance_by_words(row(text, right)) == pytest.approx(chance)


def test_the_share_is_over_questions_that_need_an_image():
    rows = [row("The settings dialog", ["img/a.png"], f"{i}") for i in range(3)]
    share = word_overlap([*rows, row("The network", ["img/a.png"], "x"), row("The network", [], "y")])
    assert (share.mean, share.n) == (0.75, 4)
    assert word_overlap([row("The network", [])]) is None
