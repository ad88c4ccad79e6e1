"""What a demo prints at its end, of the product's adapters and of those of segments."""

from pathlib import Path

import pytest

from rl_assets.core.home import Home
from rl_assets.evaluation.promotion.decide import decide
from rl_assets.evaluation.promotion.rules import PromotionRules
from rl_assets.evaluation.report.files import write_decision, write_report
from rl_assets.lake.delta import Lake
from rl_assets.quickstart.summary import summary
from rl_assets_tests.support.evaluation_samples import DAY, comparison, evidence, report, span


@pytest.fixture
def folders(home: Path) -> Home:
    """A home with a promising report on the product, and one on a segment that nothing can decide on."""
    folders = Home(home)
    promising = report(theirs="base")
    unknown = report(
        theirs="base", comparisons={"candidate-base": comparison("base", likelihood_accuracy=span(0.1, 0.0, 0.2))}
    )
    for segment, found, clusters in ((None, promising, 80), ("haiku", unknown, 0)):
        folder = folders.reports(DAY, segment)
        write_report(found, folder)
        decision = decide(found, None, PromotionRules(), evidence(clusters, 0))
        write_decision(found, decision, folder)
    return folders


def test_the_demo_ends_with_the_metrics_and_the_decision(folders: Home):
    text = summary(folders, Lake(folders.lake_url), DAY)
    assert "SFT + DPO - base  +0.300 [+0.200, +0.400]" in text
    assert "PROMOTE: Exact match against the base" in text
    assert "haiku" not in text


def test_each_segment_has_its_tables_and_its_decision(folders: Home):
    text = summary(folders, Lake(folders.lake_url), DAY, ["haiku"])
    assert "== haiku" in text
    assert "+0.100 [+0.000, +0.200]" in text
    assert "INSUFFICIENT: There are 0 held-out clusters; a decision takes 50." in text
    assert "PROMOTE" not in text
