"""The pages of the report on policies, and its JSON with the schema."""

import json
from datetime import date, timedelta
from pathlib import Path

import jsonschema
import numpy as np
import pyarrow as pa
import pytest

from rl_assets.core import sql
from rl_assets.evaluation.report import sections
from rl_assets.evaluation.routing.report import read_routing_report, routing_sections, write_routing_report
from rl_assets.lake.delta import Lake
from rl_assets.routing.config import RouterFile
from rl_assets.routing.day_shares import DayShare, read_day_shares
from rl_assets.routing.off_policy import OffPolicyReport, off_policy_report
from rl_assets.tables.bandit_state import BANDIT_STATE
from rl_assets_tests.support.choice_logs import FIRST, SEGMENT, choices, connect

HOSTILE = "<img src=x onerror=alert(1)>"
NAMES = np.array(["calm", HOSTILE, "rare"])
SHARES = np.array([0.6, 0.37, 0.03])


def states(lake: Lake) -> None:
    """Two days of shares of two categories, of which one has three times the answers of the other."""
    for offset, low in enumerate((0.5, 0.2)):
        day = FIRST + timedelta(days=offset)
        rows = [
            {"day": day, "category": category, "arm": arm, "answers": answers, "share": share}
            for category, answers, share_of_calm in (("factual", 30, low), ("visual", 10, 1.0))
            for arm, share in (("calm", share_of_calm), (HOSTILE, 1 - share_of_calm))
        ]
        lake.publish(BANDIT_STATE, day, pa.Table.from_pylist(rows, schema=BANDIT_STATE.schema).to_reader())


def shares(folder: Path) -> list[DayShare]:
    lake = Lake(str(folder / "lake"))
    states(lake)
    return read_day_shares(sql.connect(), lake, FIRST + timedelta(days=1))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[OffPolicyReport, Path]:
    rng, folder = np.random.default_rng(1), tmp_path_factory.mktemp("routing")
    arm = rng.choice(3, 900, p=SHARES)
    reward = (rng.random(900) < np.array([0.8, 0.3, 0.5])[arm]).astype(float)
    rows = choices(np.zeros(900, int), NAMES[arm], SHARES[arm], reward)
    report = off_policy_report(connect(rows), FIRST, RouterFile(), shares(folder))
    write_routing_report(report, folder)
    return report, folder


def test_the_json_is_what_the_schema_says_and_reads_back(written: tuple[OffPolicyReport, Path]) -> None:
    report, folder = written
    schema = json.loads((folder / "routing.schema.json").read_text())
    jsonschema.validate(json.loads((folder / "routing.json").read_text()), schema)
    assert read_routing_report(folder) == report


def test_a_refused_policy_shows_its_reason_and_no_value(written: tuple[OffPolicyReport, Path]) -> None:
    report, folder = written
    (rare,) = [policy for policy in report.segments[0].policies if policy.policy == "always rare"]
    assert [refusal.reason for refusal in rare.refusals] == ["small_sample"] and rare.value is None
    page = (folder / "routing.md").read_text()
    assert "| always rare | – | – | – | INSUFFICIENT\\_OVERLAP |" in page
    assert f"- always rare: The 900 sessions weigh as much as {rare.overlap.ess:.1f}, fewer than 100" in page


def test_every_row_of_a_table_has_the_columns_of_its_header(written: tuple[OffPolicyReport, Path]) -> None:
    tables = [
        block for part in routing_sections(written[0]) for block in part.blocks if isinstance(block, sections.Table)
    ]
    assert len(tables) == 3 and all(len(row) == len(table.header) for table in tables for row in table.rows)


def test_names_of_the_log_are_text_in_every_page(written: tuple[OffPolicyReport, Path]) -> None:
    _, folder = written
    html, markdown = ((folder / f"routing.{kind}").read_text() for kind in ("html", "md"))
    assert "<img" not in html and "&lt;img src=x" in html and r"\<img src=x" in markdown


def test_the_shares_of_days_are_means_over_answers(written: tuple[OffPolicyReport, Path]) -> None:
    report, folder = written
    calm = {share.day: share.share for share in report.shares if share.arm == "calm"}
    assert calm == {FIRST: pytest.approx(0.625), FIRST + timedelta(days=1): pytest.approx(0.4)}
    assert {share.segment for share in report.shares} == {SEGMENT}
    assert "Shares of arms over days" in (folder / "routing.html").read_text()


def test_without_a_report_the_error_names_the_asset(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="materialize ope_report"):
        read_routing_report(tmp_path)


def test_an_empty_log_is_said_to_be_empty(tmp_path: Path) -> None:
    none = choices([], [], [], []).slice(0, 0)
    write_routing_report(off_policy_report(connect(none), date(2026, 10, 2), RouterFile()), tmp_path)
    assert "No answer of the window has a reward and was drawn" in (tmp_path / "routing.html").read_text()
