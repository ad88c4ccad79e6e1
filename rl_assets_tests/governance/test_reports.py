"""Reports that quote the erased lose the quotes and keep their figures."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rl_assets.evaluation.promotion.decide import decide
from rl_assets.evaluation.promotion.rules import PromotionRules
from rl_assets.evaluation.report.files import read_report, write_decision, write_report
from rl_assets.evaluation.review.files import QUEUE_FILE, QUEUE_PAGE, read_queue, write_queue
from rl_assets.evaluation.run.answers import ANSWERS, ANSWERS_FILE, write_answers
from rl_assets.evaluation.run.differences import read_differences, write_differences
from rl_assets.evaluation.run.pairs import AnsweredPair, read_pairs, write_pairs
from rl_assets.evaluation.schema.evidence import ClusterDifference
from rl_assets.evaluation.schema.report import WorstAnswer
from rl_assets.governance.reports import drop_differences, drop_quotes, quoting_reports
from rl_assets_tests.support.evaluation_samples import SHOWN, held_out, report

HERS, ANOTHERS = "Where does my zebrafish live?", "How much is it?"


def worst(prompt: str) -> WorstAnswer:
    return WorstAnswer(prompt=prompt, reference=f"That is {prompt}", answer="No.", why="other words", token_f1=0.0)


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """The report of a day, with its decision and answers, that quotes her and another."""
    folder = tmp_path / "reports" / "2026-10-14"
    said = report(held_out=held_out(worst_answers=[worst(HERS), worst(ANOTHERS)]))
    write_report(said, folder)
    write_decision(said, decide(said, None, PromotionRules(), SHOWN), folder)
    rows = [{"prompt": [{"role": "user", "content": asked}], "answer": "No."} for asked in (HERS, ANOTHERS)]
    write_answers(pa.Table.from_pylist(rows, schema=ANSWERS), folder)
    return tmp_path / "reports"


def test_a_report_is_found_by_what_it_quotes(reports):
    assert quoting_reports(reports, frozenset({HERS})) == ["2026-10-14"]
    assert quoting_reports(reports, frozenset({"Nobody asked this."})) == []


def test_reports_on_segments_are_searched_too(reports):
    shutil.copytree(reports / "2026-10-14", reports / "2026-10-15" / "segments" / "billing")
    found = quoting_reports(reports, frozenset({HERS}))
    assert found == ["2026-10-14", "2026-10-15/segments/billing"]
    drop_quotes(reports / found[1], frozenset({HERS}))
    assert quoting_reports(reports, frozenset({HERS})) == found[:1]


def test_what_erased_prompts_said_of_an_adapter_is_not_kept_for_another_run_of_the_night(reports):
    folders = reports / "2026-10-14", reports / "2026-10-14" / "segments" / "billing"
    rows = [ClusterDifference(cluster=name, difference=1.0, source="test") for name in ("hers", "others")]
    for folder in folders:
        write_differences({"candidate": rows, "parent": rows[1:]}, folder)
    drop_differences(reports, frozenset({"hers"}))
    assert [read_differences(folder) for folder in folders] == [{"candidate": rows[1:], "parent": rows[1:]}] * 2


def test_quotes_leave_every_file_and_all_else_stays(reports):
    folder = reports / "2026-10-14"
    before, decision = read_report(folder), (folder / "decision.json").read_text(encoding="utf-8")

    drop_quotes(folder, frozenset({HERS}))

    assert read_report(folder) == before.model_copy(update={"held_out": held_out(worst_answers=[worst(ANOTHERS)])})
    assert (folder / "decision.json").read_text(encoding="utf-8") == decision
    pages = [path for path in folder.iterdir() if path.suffix in (".html", ".md", ".json")]
    assert len(pages) >= 4 and not [path for path in pages if "zebrafish" in path.read_text(encoding="utf-8")]
    assert pq.read_table(folder / ANSWERS_FILE)["prompt"].to_pylist() == [[{"role": "user", "content": ANOTHERS}]]
    assert quoting_reports(reports, frozenset({HERS})) == []


def test_pairs_and_the_review_queue_lose_what_quotes_the_erased(reports):
    folder = reports / "2026-10-14"
    (folder / "report.json").unlink()
    (folder / ANSWERS_FILE).unlink()
    pairs = [
        AnsweredPair(asked, asked, ({"role": "user", "content": asked},), f"Ours: {asked}", "Theirs.")
        for asked in (HERS, ANOTHERS)
    ]
    write_pairs(pairs, folder)
    write_queue(folder, [queued(pair) for pair in pairs])
    assert quoting_reports(reports, frozenset({HERS})) == ["2026-10-14"]
    drop_quotes(folder, frozenset({HERS}))
    assert read_pairs(folder) == pairs[1:] and read_queue(folder) == [queued(pairs[1])]
    files = [folder / name for name in (QUEUE_FILE, QUEUE_PAGE)]
    assert not [file for file in files if "zebrafish" in file.read_text(encoding="utf-8")]
    assert quoting_reports(reports, frozenset({HERS})) == []
    drop_quotes(folder, frozenset({ANOTHERS}))
    assert read_pairs(folder) == [] and not any(file.exists() for file in files)


def queued(pair: AnsweredPair) -> dict:
    """A line of the queue."""
    texts = {"first_output": pair.theirs, "second_output": pair.ours}
    return {"interaction_id": pair.cluster, "prompt": list(pair.prompt), "verdict": ""} | texts


def test_pages_of_a_report_that_this_version_cannot_read_are_deleted(reports):
    folder = reports / "2026-10-14"
    said = json.loads((folder / "report.json").read_text(encoding="utf-8")) | {"a field of another version": 1}
    (folder / "report.json").write_text(json.dumps(said), encoding="utf-8")

    drop_quotes(folder, frozenset({HERS}))

    assert not (folder / "report.html").exists() and not (folder / "report.md").exists()
    assert "zebrafish" not in (folder / "report.json").read_text(encoding="utf-8")
