"""Texts of users and models stay text, whatever stands in them."""

import re

import pytest

from rl_assets.evaluation.report.escaping import markdown_block, markdown_text, printable
from rl_assets_tests.support.evaluation_samples import html_page, markdown_page, report
from rl_assets_tests.support.hostile_answers import FENCES, Tags, attacked


def test_markup_in_answers_stays_text_in_the_page():
    page = Tags(html_page(attacked()))
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "&lt;script&gt;" in html_page(attacked())


def test_the_page_asks_for_nothing_from_elsewhere():
    page = Tags(html_page(report()))
    linked = [value for name, value in page.attributes if name in {"src", "href", "xlink:href", "data"}]
    # Figures refer to their own glyphs and markers, so there are links to look at.
    assert linked and all(value and value.startswith("#") for value in linked)
    assert "link" not in page.tags
    assert "@import" not in html_page(report())


def test_a_fence_outgrows_every_run_of_backticks():
    block = markdown_block(FENCES)
    assert block.startswith("`````text\n")
    assert block.endswith("\n`````")
    assert max(len(run) for run in re.findall("`+", block)) == 5


def test_markdown_of_an_attack_has_no_html_and_no_foreign_image_outside_fences():
    outside = re.sub(r"(?ms)^(`{3,})text\n.*?^\1$", "", markdown_page(attacked()))
    assert not re.search(r"(?<!\\)<", outside)
    assert re.findall(r"(?<!\\)!\[[^\]]*\]\((.{5})", outside) == ["data:"]
    assert "# Promoted" not in outside


@pytest.mark.parametrize("text", ["a|b", "*x*", "[a](b)", "<b>", "`c`", "# h", "~~s~~", "http://x", "www.x", "a@b"])
def test_markdown_text_escapes_what_markdown_acts_on(text: str):
    assert "\\" in markdown_text(text)
    assert markdown_text(text).replace("\\", "") == text


def test_newlines_cannot_leave_a_table_cell():
    assert markdown_text("a\n\n| b") == "a \\| b"


def test_controls_and_lone_surrogates_are_shown_not_obeyed():
    assert printable("a\x1b[31m\u202eb\ud800\tc\n") == "a\ufffd[31m\ufffdb?\tc\n"
