"""The check of rejected lines, by file and reason, as a run of the raw tables shows it."""

from pathlib import Path

import dagster as dg
import pytest

from rl_assets.definitions import build_defs
from rl_assets.defs.ingestion.raw_tables import FEW_REJECTS
from rl_assets.settings import load_settings
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES, INTERACTIONS, REJECTED_RECORDS
from rl_assets_tests.support.logs import DAY, Product, opinion, question, reward

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


@pytest.fixture(autouse=True)
def environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RL_ASSETS_HOME", str(home))


def check() -> dg.AssetCheckEvaluation:
    """The evaluation of the check by a run of the day's raw tables, which succeeds whatever the check says."""
    assert load_settings().home
    job = build_defs(executor=dg.in_process_executor).resolve_implicit_global_asset_job_def()
    keys = [dg.AssetKey(table.name) for table in (INTERACTIONS, FEEDBACK, REJECTED_RECORDS, INGESTED_FILES)]
    result = job.execute_in_process(partition_key=str(DAY), asset_selection=keys)
    (found,) = (each for each in result.get_asset_check_evaluations() if each.check_name == FEW_REJECTS)
    return found


def thumbs(product: Product, good: int, bad: int) -> None:
    lines = [opinion(f"f{i}") for i in range(good)] + [opinion(f"b{i}", kind="like") for i in range(bad)]
    product.log(*lines, log_format="feedback_table")


@pytest.mark.slow  # Builds days for seconds.
@pytest.mark.parametrize(
    ("good", "bad", "passed", "severity"),
    [(100, 0, True, WARN), (99, 1, True, WARN), (98, 2, False, WARN), (51, 49, False, WARN), (50, 50, False, ERROR)],
)
def test_a_warning_comes_from_2_percent_and_an_error_from_half_of_a_file(product: Product, good, bad, passed, severity):
    thumbs(product, good, bad)
    found = check()
    assert (found.passed, found.severity) == (passed, severity)


@pytest.mark.slow  # Builds days for seconds.
def test_a_refused_kind_of_feedback_names_file_reason_and_allowed_values(product: Product):
    thumbs(product, 0, 131)
    product.log(*(question(f"q{i}") for i in range(181)), log_format="reward_log")
    found = check()
    assert found.description == (
        f"131 of 131 lines of feedback_table/{DAY}/part-0.jsonl (100%) were rejected as unknown_kind: "
        "feedback_type 'like' is none of thumbs_up, thumbs_down, rating, preference, tie, correction, comment, "
        "retraction"
    )
    assert "`100.0%`" in found.metadata["by_file_and_reason"].value


def test_a_bad_file_is_not_hidden_by_many_good_lines_of_others(product: Product):
    product.log(*(question(f"q{i}") for i in range(3_000)), log_format="reward_log")
    product.log(*(reward(f"q{i}", 7) for i in range(3)), log_format="reward_log", name="bad.jsonl")
    found = check()
    assert (found.passed, found.severity) == (False, ERROR)
    assert "overall = 7.0 is not between 0 and 1" in found.description


@pytest.mark.slow  # Builds days for seconds.
def test_one_bad_line_of_a_small_file_is_a_warning_and_of_each_small_file_an_error(product: Product):
    product.log(question("q1"), reward("q1", 7), log_format="reward_log")
    assert (check().passed, check().severity) == (False, WARN)
    for number in range(5):
        product.log(reward("q1", 7), log_format="reward_log", name=f"small-{number}.jsonl")
    found = check()
    assert (found.passed, found.severity) == (False, ERROR)
    assert found.description.startswith(f"6 of 7 lines of reward_log/{DAY}/ (6 files) (86%) were rejected")


@pytest.mark.slow  # Several seconds of CPU.
def test_the_shares_are_settings(product: Product, monkeypatch):
    monkeypatch.setenv("RL_ASSETS_REJECT_WARN_SHARE", "0.2")
    monkeypatch.setenv("RL_ASSETS_REJECT_ERROR_SHARE", "0.3")
    thumbs(product, 90, 10)
    assert check().passed
    thumbs(product, 70, 30)
    assert (check().passed, check().severity) == (False, ERROR)
