"""Texts of a log as pieces that a page shows."""

import pytest

from rl_assets.service.reading import passage, pieces


def test_a_block_of_code_is_a_piece_with_its_fences():
    found = pieces("So:\n```py\nx = 1\n```\nDone.\n~~~\nno end")
    assert [(piece.text, piece.is_code) for piece in found] == [
        ("So:", False),
        ("```py\nx = 1\n```", True),
        ("Done.", False),
        ("~~~\nno end", True),
    ]


@pytest.mark.parametrize("text", ["`" * 200_000, "~" * 200_000, ("`" * 3000 + "\n") * 60, "```\n" * 50_000])
def test_a_text_of_fences_alone_is_shown_whole(text: str):
    shown = "".join(piece.text for piece in passage(text, len(text)).shown)
    assert (shown.count("`"), shown.count("~")) == (text.count("`"), text.count("~"))
