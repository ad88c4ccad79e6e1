"""Takes the pictures of the feedback service's pages again: `python docs/scripts/picture_pages.py`, with Chromium.

`feedback-rate.png` is a rater's page on a desk, in light colours, `feedback-compare.png` one on a phone, in dark ones.
"""

import tempfile
from pathlib import Path
from typing import Any

from rl_assets_tests.support.browser import running_chromium
from rl_assets_tests.support.feedback_pages import Deployment, answers, deploy, rated_home
from rl_assets_tests.support.feedback_server import listening

IMAGES = Path(__file__).parents[1] / "images"
RATED = ("Do you deliver on Saturdays?", "In most towns, yes, at no extra cost. Choose the day when you order.")
COMPARED = (
    "How do I return a pair of shoes?",
    'You can return shoes within 30 days. Open your order, choose "Return", print the label and drop the parcel at any '
    "post office. The refund takes three to five working days.",
    "Please call us.",
)


def main() -> None:
    """Write both pictures."""
    lines = answers("rated", query=RATED[0], answer=RATED[1], brand="acme", task="delivery")
    for number, text in enumerate(COMPARED[1:]):
        named = {"brand": "acme", "task": "returns", "agent_type": f"agent-{number}"}
        lines += answers(f"compared-{number}", query=COMPARED[0], answer=text, **named)
    with tempfile.TemporaryDirectory() as folder, running_chromium() as browser:
        home = Path(folder)
        (home / "landing").mkdir()
        deployment = deploy(home, rated_home(home, *lines))
        with listening(deployment.service) as address:
            rate(open_page(browser, deployment, address, 1200, 850, "light"), address)
            compare(open_page(browser, deployment, address, 360, 860, "dark"), address)


def open_page(browser: Any, deployment: Deployment, address: str, width: int, height: int, scheme: str) -> Any:
    """A page of somebody who has opened their invitation."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{address}/join/{deployment.service.store.add_invite('ann@example.com')}")
    page.get_by_role("button", name="Start").click()
    return page


def rate(page: Any, address: str) -> None:
    """An answer that is nearly right."""
    page.goto(f"{address}/rate?brand=acme&task=delivery")
    page.locator("label", has=page.locator("input[name=thumbs][value=up]")).click()
    for row, stars in enumerate((4, 3)):
        page.locator("label", has=page.locator(f"input[name=stars-{row}][value='{stars}']")).click()
    page.get_by_text("Write it better").click()
    page.get_by_label("Comment").fill("Not on the islands.")
    page.evaluate("window.scrollTo(0, 0)")
    page.screenshot(path=IMAGES / "feedback-rate.png")


def compare(page: Any, address: str) -> None:
    """Two answers to one question."""
    page.goto(f"{address}/compare?brand=acme&task=returns")
    page.screenshot(path=IMAGES / "feedback-compare.png")


if __name__ == "__main__":
    main()
