"""Reports that quote the erased: the quoted answers leave the report, its figures stay."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
from pydantic import ValidationError

from rl_assets.core.files import write_json
from rl_assets.evaluation.report.files import write_decision, write_report
from rl_assets.evaluation.run.answers import ANSWERS_FILE, write_answers
from rl_assets.evaluation.schema.decision import Decision
from rl_assets.evaluation.schema.report import EvalReport

PAGES = ("report.md", "report.html")


def quoting_reports(reports: Path, texts: frozenset[str]) -> list[str]:
    """Days whose report says one of the texts as a prompt, a reference or an answer."""
    folders = sorted(path for path in reports.glob("[0-9]*") if path.is_dir())
    return [folder.name for folder in folders if _quoted(folder, texts) or _asked(folder, texts)]


def drop_quotes(folder: Path, texts: frozenset[str]) -> None:
    """Write the day's report without what quotes the texts.

    Pages of a report that this version cannot read are deleted: materialize `eval_report` again for new ones.
    """
    if gone := _asked(folder, texts):
        answers = pq.read_table(folder / ANSWERS_FILE)
        write_answers(answers.take([row for row in range(len(answers)) if row not in set(gone)]), folder)
    if not _quoted(folder, texts):
        return
    said = _read(folder)
    said["held_out"]["worst_answers"] = [found for found in _worst_answers(said) if not _says(found, texts)]
    try:
        report = EvalReport.model_validate_json(json.dumps(said))
    except ValidationError:
        write_json(folder / "report.json", said)
        for page in PAGES:
            (folder / page).unlink(missing_ok=True)
        return
    decided = folder / "decision.json"
    decision = Decision.model_validate_json(decided.read_bytes()) if decided.is_file() else None
    write_report(report, folder)
    if decision:
        write_decision(report, decision, folder)


def _read(folder: Path) -> dict:
    path = folder / "report.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _quoted(folder: Path, texts: frozenset[str]) -> bool:
    return any(_says(found, texts) for found in _worst_answers(_read(folder)))


def _worst_answers(report: dict) -> list[dict]:
    return report.get("held_out", {}).get("worst_answers", [])


def _says(found: dict, texts: frozenset[str]) -> bool:
    return any(found.get(part) in texts for part in ("prompt", "reference", "answer"))


def _asked(folder: Path, texts: frozenset[str]) -> list[int]:
    """Places of the kept answers to one of the texts, or that say one."""
    return list(_places(folder / ANSWERS_FILE, texts)) if (folder / ANSWERS_FILE).is_file() else []


def _places(path: Path, texts: frozenset[str]) -> Iterator[int]:
    for place, row in enumerate(pq.read_table(path, columns=["prompt", "answer"]).to_pylist()):
        if row["answer"] in texts or any(turn["content"] in texts for turn in row["prompt"]):
            yield place
