"""The report's page as a reader has it: wide and on a phone, light and dark, without a network."""

from pathlib import Path

import pytest

from rl_assets.evaluation.ab.report import write_ab_report
from rl_assets.evaluation.promotion.decide import decide
from rl_assets.evaluation.promotion.rules import PromotionRules
from rl_assets.evaluation.report.files import write_decision, write_report
from rl_assets.evaluation.schema.report import JudgeResult, Production, RewardBin
from rl_assets_tests.support.ab_log import Log
from rl_assets_tests.support.evaluation_samples import SHOWN, held_out, report, verdicts

pytestmark = pytest.mark.browser
WIDTHS = (1400, 390)
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
LUMINANCE = """element => {
    const [r, g, b] = getComputedStyle(element).color.match(/[\\d.]+/g).map(Number);
    return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
}"""


@pytest.fixture(scope="module")
def page_file(tmp_path_factory) -> Path:
    """A report with every picture, a decision and names that are long."""
    folder = tmp_path_factory.mktemp("page")
    bins = [RewardBin(source="human", low=low / 10, answers=10 * low + 1) for low in range(10)]
    long = "a-name-without-any-space-that-is-longer-than-a-telephone-is-wide-" * 3
    worst = [found.model_copy(update={"prompt": long, "answer": long}) for found in report().held_out.worst_answers]
    whole = report(
        judge=JudgeResult(pairwise=verdicts()),
        production=Production(rewards=bins),
        held_out=held_out(worst_answers=worst),
        segment=long,
    )
    write_report(whole, folder)
    write_decision(whole, decide(whole, None, PromotionRules(), SHOWN), folder)
    return folder / "report.html"


@pytest.fixture(params=WIDTHS, ids=str)
def opened(request, chromium, page_file):
    """The page at a width, with every request that it makes."""
    page = chromium.new_page(viewport={"width": request.param, "height": 900})
    asked: list[str] = []
    page.on("request", lambda found: asked.append(found.url))
    page.on("pageerror", lambda error: asked.append(f"error {error}"))
    page.goto(page_file.as_uri())
    yield page, asked
    page.close()


def test_the_page_fits_the_screen_and_only_tables_scroll(opened):
    page, _ = opened
    assert page.evaluate(OVERFLOW) <= 0
    assert page.locator(".scroll").count() > 0


def test_every_picture_is_seen_and_as_wide_as_its_frame_allows(opened):
    page, _ = opened
    pictures = page.locator("figure svg")
    names = [pictures.nth(n).get_attribute("aria-label") for n in range(pictures.count())]
    assert {"Exact match by model", "Paired differences between models", "Verdicts of the judge"} <= set(names)
    assert {"Distribution of rewards", "Training loss"} <= set(names)
    for box in (pictures.nth(n).bounding_box() for n in range(len(names))):
        assert box is not None and box["width"] > 250 and box["height"] > 40
        assert box["x"] >= 0 and box["x"] + box["width"] <= page.viewport_size["width"]


def test_nothing_is_fetched_and_no_script_runs(opened, page_file):
    page, asked = opened
    assert asked == [page_file.as_uri()]
    assert page.locator("script").count() == 0


def test_the_decision_stands_on_top_and_the_text_is_large_enough_to_read(opened):
    page, _ = opened
    box = page.locator(".verdict").bounding_box()
    assert "PROMOTE" in page.locator(".verdict").inner_text() and box["y"] < 400
    assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 16


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_pictures_follow_the_readers_theme(chromium, page_file, scheme):
    page = chromium.new_page(color_scheme=scheme, viewport={"width": 1400, "height": 900})
    page.goto(page_file.as_uri())
    text = page.locator("body").evaluate(LUMINANCE)
    label = page.locator("figure svg text").first.evaluate(LUMINANCE.replace(".color", ".fill"))
    ground = page.locator("figure").first.evaluate(LUMINANCE.replace(".color", ".backgroundColor"))
    page.close()
    for seen in (text, label):
        assert abs(seen - ground) > 0.4
    assert (ground < 0.2) == (scheme == "dark")


def test_the_win_matrix_is_read_on_a_phone_too(chromium, tmp_path):
    log = Log()
    for question in range(30):
        for reward, agent in enumerate(("an-agent-with-quite-a-long-name", "bob", "cy")):
            log.answer(agent, f"q{question}", reward / 2)
    write_ab_report(log.report(), tmp_path)
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.goto((tmp_path / "ab.html").as_uri())
    overflow, box = page.evaluate(OVERFLOW), page.locator("figure svg").first.bounding_box()
    cells = page.locator("figure svg").first.text_content()
    page.close()
    assert overflow <= 0 and box is not None and box["width"] > 250
    assert "-1.00" in cells and "0/0/30" in cells and "30/0/0" in cells
