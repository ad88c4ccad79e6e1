"""The reward as a truth table."""

import pytest

from rl_assets.rewards.image_answers import answer_json
from rl_assets.rewards.images import image_answer, image_reward, listed_images, score_answer

CATALOGUE = [f"img/{name}.png" for name in "abcdefgh"]
TEXT = "Open the settings page and choose the second tab, which holds the limits."
A, B = CATALOGUE[:2]


def answer(images, text=TEXT, reasoning=None):
    return answer_json(text, images, " ".join(images) if reasoning is None else reasoning)


@pytest.mark.parametrize(
    ("case", "raw", "gold", "reward"),
    [
        ("right image", answer([A]), [A], 1.0),
        ("right image, fenced", f"```json\n{answer([A])}\n```", [A], 1.0),
        ("named by its file name", answer([A], reasoning="a.png shows it"), [A], 1.0),
        ("none needed, none shown", answer([]), [], 1.0),
        ("none needed, one shown", answer([A]), [], 0.4),
        ("needed, none shown", answer([]), [A], 0.4),
        ("wrong image of the catalogue", answer([B]), [A], 0.4),
        ("right and wrong", answer([A, B]), [A], 0.4 + 0.15 + 0.3),
        ("one of two", answer([A]), [A, B], 0.4 + 0.3 + 0.15),
        ("both of two", answer([A, B]), [A, B], 1.0),
        ("said twice", answer([A, A]), [A], 1.0),
        ("invented image alone", answer(["img/z.png"]), [A], 0.1),
        ("right and invented", answer([A, "img/z.png"]), [A], 0.4 + 0.15 + 0.3 - 0.3),
        ("two invented cost as one", answer([A, "img/y.png", "img/z.png"]), [A], 0.4 + 0.1 + 0.3 - 0.3),
        ("invented where none is needed", answer(["img/z.png"]), [], 0.1),
        ("everything shown", answer(CATALOGUE), [A], 0.4 + 0.3 / 8 + 0.3 - 0.15),
        ("not explained", answer([A], reasoning="it helps"), [A], 0.95),
        ("blank text", answer([A], text=" "), [A], 0.5),
        ("short text", answer([A], text="x" * 25), [A], 0.95),
        ("long text", answer([A], text="x" * 3000), [A], 0.95),
        ("far too long", answer([A], text="x" * 9000), [A], 0.9),
        ("prose", TEXT, [], 0.0),
        ("markup instead of JSON", f"{TEXT} ![a]({A})", [A], 0.0),
        ("nothing", "", [A], 0.0),
    ],
)
def test_reward(case, raw, gold, reward):
    assert score_answer(raw, gold, CATALOGUE).reward == pytest.approx(reward), case


def test_text_is_compared_where_a_reference_is_known():
    assert score_answer(answer([A]), [A], CATALOGUE, TEXT).reward == pytest.approx(1.0)
    assert score_answer(answer([A]), [A], CATALOGUE, "quite another subject").reward == pytest.approx(0.6)


def test_showing_everything_never_pays_more_than_showing_what_is_right():
    right = score_answer(answer([A]), [A], CATALOGUE).reward
    for count in range(len(CATALOGUE) + 1):
        assert score_answer(answer(CATALOGUE[:count]), [A], CATALOGUE).reward <= right


def test_a_trainer_calls_it_with_columns_and_chats():
    chats = [[{"role": "assistant", "content": answer([A])}], [{"role": "assistant", "content": "no"}]]
    columns = {"gold_images": [[A], []], "catalogue": [CATALOGUE] * 2, "gold_text": [TEXT, None], "prompts": ["x", "y"]}
    assert image_reward(chats, trainer_state=None, **columns) == [1.0, 0.0]
    assert image_reward([answer([]), answer([A])], [[], []], [CATALOGUE] * 2) == [1.0, pytest.approx(0.4)]


def test_columns_of_unequal_length_are_an_error():
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        image_reward(["a", "b"], [[]], [[], []])


def asking(*paths):
    listed = "\n".join(f"- {path}: what it shows: much (diagram)" for path in paths)
    return [
        {"role": "system", "content": "x"},
        {"role": "user", "content": f"How?\n\nDocumentation:\nImages:\n\nImages:\n{listed}"},
    ]


def test_a_prompt_tells_the_images_that_it_offers():
    assert listed_images(asking("a b.png", "c.png")[-1]["content"]) == ["a b.png", "c.png"]
    assert listed_images("What is this?") == []


def test_online_answers_are_judged_by_the_right_answer_and_the_prompt():
    prompts = [asking(*CATALOGUE)] * 4
    right, none = answer([A]), answer([])
    said = [[{"role": "assistant", "content": text}] for text in (right, none, answer(["img/z.png"]), "prose")]
    assert image_answer(prompts, said, [right] * 4) == pytest.approx([1.0, 0.4, 0.1, 0.0])
    assert image_answer(prompts[:2], said[:2], [none] * 2) == pytest.approx([0.4, 1.0])
