"""Published logs as landing files: as they are where a format reads them, else rewritten line by line."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rl_assets.metrics.scales import Metric
from rl_assets.quickstart.landing_files import lines_by_file, read_lines, write_files
from rl_assets.quickstart.sources import finegrained_qa, gsm8k

WHEN = "2026-10-01"
METRICS = {
    "haiku_rating": Metric(worst=-1, best=1, dimension="overall"),
    "haiku_rating_episode": Metric(worst=-1, best=1, dimension="overall"),
    "haiku_score": Metric(dimension="overall"),
    "exact_match": Metric(dimension="overall"),
    "jaccard_similarity": Metric(dimension="overall"),
    "solved": Metric(dimension="overall"),
    "num_questions": Metric(worst=21, best=0),
    "haiku_score_episode": Metric(dimension="overall"),
    "jaccard_similarity_episode": Metric(dimension="overall"),
}
RATINGS = {"Excellent": 5, "Acceptable": 4, "Could be Improved": 2, "Bad": 1}
Row = dict[str, Any]


def tensorzero(source: Path, landing: Path) -> None:
    """The gateway's own exports, unchanged."""
    for path in (source / "logs-tensorzero").glob("*.jsonl"):
        drop(landing, "tensorzero", path.stem, path.read_text(encoding="utf-8"))


def langfuse(source: Path, landing: Path) -> None:
    """Each trace on a line."""
    for path in (source / "logs-langfuse-traces").glob("*.trace.json"):
        drop(landing, "langfuse", path.stem, json.dumps(json.loads(path.read_text(encoding="utf-8"))) + "\n")


def oasst_trees(source: Path, landing: Path) -> None:
    """The trees, unchanged."""
    drop(landing, "oasst_trees", "trees", (source / "pref-oasst-trees" / "trees.jsonl").read_text(encoding="utf-8"))


def gsm8k_solutions(source: Path, landing: Path) -> None:
    """Sampled solutions with whether they are right, as `reward_log`."""
    write_files(landing, lines_by_file(gsm8k.entries(source)))


def finegrained(source: Path, landing: Path) -> None:
    """Answers with human preferences and error marks."""
    write_files(landing, lines_by_file(finegrained_qa.entries(source)))


def pandalm(source: Path, landing: Path) -> None:
    """A `preference` by each annotator who saw a better answer; ties are in no format, and left out."""
    rows = (row for pair in read_lines(source / "pref-pandalm" / "pairs.jsonl") for row in _votes(pair))
    drop(landing, "feedback_table", "pandalm", "".join(json.dumps(row) + "\n" for row in rows))


def feedbackqa(source: Path, landing: Path) -> None:
    """A `rating` with its comment by each person who read a passage as an answer; four words as stars."""
    rows = (row for domain in ("CDC", "UK") for row in _ratings(source / "rag-feedbackqa" / domain))
    drop(landing, "feedback_table", "feedbackqa", "".join(json.dumps(row) + "\n" for row in rows))


SOURCES: dict[str, Callable[[Path, Path], None]] = {
    "tensorzero": tensorzero,
    "langfuse": langfuse,
    "oasst-trees": oasst_trees,
    "gsm8k": gsm8k_solutions,
    "finegrained-qa": finegrained,
    "pandalm": pandalm,
    "feedbackqa": feedbackqa,
}


def drop(landing: Path, log_format: str, name: str, text: str) -> None:
    path = landing / log_format / WHEN / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _votes(pair: Row) -> Iterator[Row]:
    responses = {1: pair["response1"], 2: pair["response2"]}
    for number in (1, 2, 3):
        better = pair[f"annotator{number}"]
        if better in responses:
            yield {
                "id": f"{pair['idx']}-{pair['cmp_key']}-{number}",
                "user_id": f"annotator-{number}",
                "prompt": f"{pair['instruction']}\n\n{pair['input']}".strip(),
                "model_output": pair["response1"],
                "feedback_type": "preference",
                "preferred_output": responses[better],
                "rejected_output": responses[3 - better],
                "created_at": f"{WHEN}T12:00:00Z",
            }


def _ratings(folder: Path) -> Iterator[Row]:
    passages = {row["passage_id"]: row["reference"]["section_content"] for row in read_lines(folder / "passages.jsonl")}
    for part in ("valid", "test"):
        for number, shown in enumerate(read_lines(folder / f"feedback_{part}.jsonl")):
            for rater, (rating, comment) in enumerate(zip(shown["rating"], shown["feedback"], strict=True)):
                yield {
                    "id": f"{folder.name}-{part}-{number}-{rater}",
                    "user_id": f"rater-{rater}",
                    "brand_id": folder.name,
                    "prompt": shown["question"],
                    "model_output": passages[shown["passage_id"]],
                    "feedback_type": "rating",
                    "rating": RATINGS[rating],
                    "comment": comment,
                    "created_at": f"{WHEN}T12:00:00Z",
                }
