"""Reports that quote erased records: the quoted answers are removed, the metrics stay."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pydantic import ValidationError

from rl_assets.core.chat import Message
from rl_assets.core.files import write_json
from rl_assets.evaluation.report.files import write_decision, write_report
from rl_assets.evaluation.review.files import read_queue, write_queue
from rl_assets.evaluation.run.answers import ANSWERS_FILE, write_answers
from rl_assets.evaluation.run.differences import DIFFERENCES_FILE, read_differences, write_differences
from rl_assets.evaluation.run.pairs import PAIRS_FILE, read_pairs, write_pairs
from rl_assets.evaluation.schema.decision import Decision
from rl_assets.evaluation.schema.report import EvalReport

PAGES = ("report.md", "report.html")
# The product's report of a day, and those on its segments.
REPORTS = ("[0-9]*", "[0-9]*/segments/*")


def quoting_reports(reports: Path, texts: frozenset[str]) -> list[str]:
    """Folders below `reports`, of days and of segments on a day, whose report quotes one of the texts as a prompt, a
    reference or an answer."""
    folders = sorted(path for pattern in REPORTS for path in reports.glob(pattern) if path.is_dir())
    quoting = [
        folder
        for folder in folders
        if _is_quoting(folder, texts) or _quoting_answers(folder, texts) or _is_asking(folder, texts)
    ]
    return [folder.relative_to(reports).as_posix() for folder in quoting]


def drop_differences(reports: Path, clusters: frozenset[str]) -> None:
    """Write the differences kept next to reports without those of the clusters: a night that is run again would bring
    them back."""
    for pattern in REPORTS:
        for folder in reports.glob(f"{pattern}/{DIFFERENCES_FILE}"):
            found = read_differences(folder.parent)
            kept = {role: [row for row in rows if row.cluster not in clusters] for role, rows in found.items()}
            if kept != found:
                write_differences(kept, folder.parent)


def drop_quotes(folder: Path, texts: frozenset[str]) -> None:
    """Write the report without quotes of the texts.

    Pages of a report that this version cannot parse are deleted: materialize `eval_report` again for new ones.
    """
    if quoting := _quoting_answers(folder, texts):
        answers = pq.read_table(folder / ANSWERS_FILE)
        write_answers(answers.take([row for row in range(len(answers)) if row not in quoting]), folder)
    if _is_asking(folder, texts):
        _drop_questions(folder, texts)
    if not _is_quoting(folder, texts):
        return
    content = _read(folder)
    kept = [answer for answer in _worst_answers(content) if not _quotes(answer, texts)]
    content["held_out"]["worst_answers"] = kept
    try:
        report = EvalReport.model_validate_json(json.dumps(content))
    except ValidationError:
        write_json(folder / "report.json", content)
        for page in PAGES:
            (folder / page).unlink(missing_ok=True)
        return
    path = folder / "decision.json"
    decision = Decision.model_validate_json(path.read_bytes()) if path.is_file() else None
    write_report(report, folder)
    if decision:
        write_decision(report, decision, folder)


def _is_asking(folder: Path, texts: frozenset[str]) -> bool:
    """Whether pairs of answers that were kept for people or a judge hold one of the texts."""
    pairs = read_pairs(folder) if (folder / PAIRS_FILE).is_file() else []
    held: list[tuple[Sequence[Message], str, str]] = [(pair.prompt, pair.ours, pair.theirs) for pair in pairs]
    held += [_texts_of_line(line) for line in read_queue(folder)]
    return any(_holds(*of_pair, texts) for of_pair in held)


def _drop_questions(folder: Path, texts: frozenset[str]) -> None:
    """Write the kept pairs, and the files of the review queue, without those that hold one of the texts."""
    if (folder / PAIRS_FILE).is_file():
        pairs = read_pairs(folder)
        write_pairs([pair for pair in pairs if not _holds(pair.prompt, pair.ours, pair.theirs, texts)], folder)
    lines = [line for line in read_queue(folder) if not _holds(*_texts_of_line(line), texts)]
    write_queue(folder, lines)


def _texts_of_line(line: dict[str, Any]) -> tuple[Sequence[Message], str, str]:
    return line["prompt"], line["first_output"], line["second_output"]


def _holds(prompt: Sequence[Message], first: str, second: str, texts: frozenset[str]) -> bool:
    return first in texts or second in texts or any(turn["content"] in texts for turn in prompt)


def _read(folder: Path) -> dict[str, Any]:
    path = folder / "report.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _is_quoting(folder: Path, texts: frozenset[str]) -> bool:
    return any(_quotes(answer, texts) for answer in _worst_answers(_read(folder)))


def _worst_answers(report: dict[str, Any]) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = report.get("held_out", {}).get("worst_answers", [])
    return answers


def _quotes(answer: dict[str, Any], texts: frozenset[str]) -> bool:
    return any(answer.get(part) in texts for part in ("prompt", "reference", "answer"))


def _quoting_answers(folder: Path, texts: frozenset[str]) -> set[int]:
    """Row numbers of kept answers to one of the texts, or that are one."""
    path = folder / ANSWERS_FILE
    if not path.is_file():
        return set()
    rows = pq.read_table(path, columns=["prompt", "answer"]).to_pylist()
    return {number for number, row in enumerate(rows) if _is_among(row, texts)}


def _is_among(row: dict[str, Any], texts: frozenset[str]) -> bool:
    return row["answer"] in texts or any(turn["content"] in texts for turn in row["prompt"])
