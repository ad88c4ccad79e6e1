"""Text that comes token by token: nothing is shown that a later token changes, and nothing after a stop text."""

from typing import Any

import pytest

from rl_assets.serving.server.tokens import TextStream


class Bytes:
    """A tokenizer with a token for each byte; 256 and above mark turns and have no text."""

    def decode(self, ids: list[int], **_: Any) -> str:
        return bytes(token for token in ids if token < 256).decode("utf-8", "replace")


def pieces(text: bytes, *stops: str) -> list[str]:
    stream, shown = TextStream(Bytes(), stops), []
    for number, token in enumerate(text):
        piece, stopped = stream.add(token, last=number == len(text) - 1)
        shown.append(piece)
        if stopped:
            break
    return shown


def test_a_character_of_several_tokens_is_shown_whole():
    assert pieces("aé→b".encode()) == ["a", "", "é", "", "", "→", "b"]


def test_what_is_incomplete_at_the_end_is_shown_as_such():
    assert pieces("a→".encode()[:-1]) == ["a", "", "\ufffd"]


def test_the_beginning_of_a_stop_text_is_held_back():
    assert pieces(b"one STOP two", "STOP") == ["o", "n", "e", " ", "", "", "", ""]
    assert pieces(b"one STOR", "STOP") == ["o", "n", "e", " ", "", "", "", "STOR"]


def test_the_first_of_several_stop_texts_ends_the_text():
    assert "".join(pieces(b"abcdef", "ef", "cd")) == "ab"
    assert "".join(pieces(b"abcdef", "xyz")) == "abcdef"
    assert "".join(pieces(b"aab", "ab")) == "a"


def test_a_stop_text_that_is_cut_off_is_shown():
    assert "".join(pieces(b"one ST", "STOP")) == "one ST"


def test_a_token_that_marks_a_turn_has_no_text():
    stream = TextStream(Bytes(), ())
    assert stream.add(ord("a"), last=False) == ("a", False)
    assert stream.add(None, last=True) == ("", False)


@pytest.mark.training
@pytest.mark.parametrize("top_p", [1.0, 0.7, 0.2])
def test_a_nucleus_holds_the_likeliest_tokens_of_that_mass(top_p: float):
    import torch

    from rl_assets.serving.server.tokens import sample

    logits = torch.tensor([0.1, 0.4, 0.2, 0.3]).log()
    generator = torch.Generator().manual_seed(0)
    drawn = [sample(logits, 1.0, top_p, generator) for _ in range(3000)]
    inside = {1.0: {0: 0.1, 1: 0.4, 2: 0.2, 3: 0.3}, 0.7: {1: 4 / 7, 3: 3 / 7}, 0.2: {1: 1.0}}[top_p]
    assert set(drawn) == set(inside)
    for token, share in inside.items():
        assert drawn.count(token) / len(drawn) == pytest.approx(share, abs=0.04)
