"""Published ratings by dimension, as lines of `reward_log`; and answers with planted ratings."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rl_assets.quickstart.landing_files import read_lines
from rl_assets.quickstart.sources.finegrained_qa import win_shares
from rl_assets_tests.support.logs import DAY, question, reward

MTRAG_DIMENSIONS = ("naturalness", "appropriateness", "completeness", "faithfulness")
Row = dict[str, Any]


def mtrag_lines(folder: Path) -> Iterator[Row]:
    """Answers of three models to turns of 20 conversations, each rated 1 to 4 by two or three people, as [0, 1]."""
    content = json.loads((folder / "rag-mtrag-human" / "human_evaluations.json").read_text(encoding="utf-8"))
    documents = {document["document_id"]: document["text"] for document in content["documents"]}
    tasks = {task["task_id"]: task for task in content["tasks"]}
    for number, evaluation in enumerate(content["evaluations"]):
        task = tasks[evaluation["task_id"]]
        passages = [documents[passage["document_id"]] for passage in task["contexts"]]
        yield {
            "interaction_id": f"mtrag-{number}",
            "question": task["input"][-1]["text"],
            "agent": evaluation["model_id"],
            "timestamp": f"{DAY}T10:00:00Z",
            "answer": evaluation["model_response"],
            **({"context": "\n\n".join(passages)} if passages else {}),
            "session_id": evaluation["task_id"].partition("<::>")[0],
        }
        for dimension in MTRAG_DIMENSIONS:
            for rater, given in evaluation["annotations"][dimension].items():
                value = (float(given["value"]) - 1) / 3
                yield reward(f"mtrag-{number}", value, dimension=dimension, user_id=rater)


def rated_answer(name: str, ratings: dict[str, list[float]], **fields: Any) -> Iterator[Row]:
    """An answer and what raters 0, 1, ... said of it by dimension."""
    yield question(name, timestamp=f"{DAY}T10:00:00Z", **fields)
    for dimension, values in ratings.items():
        for rater, value in enumerate(values):
            yield reward(name, value, dimension=dimension, user_id=f"rater-{rater}")


def finegrained_lines(folder: Path) -> Iterator[Row]:
    """Four answers to each of 323 grounded questions: the share of comparisons that each won as `overall`, and what
    people marked in the first one as relevance, factuality and completeness."""
    for number, record in enumerate(read_lines(folder / "pref-finegrained-qa" / "feedback.jsonl")):
        shares = win_shares(record["preference"])
        passages = "\n\n".join(f"{title}\n{' '.join(sentences)}" for title, *sentences in record["passages"])
        for sample, share in shares.items():
            name = f"finegrained-{number}-{sample}"
            asked = {"question": record["question"], "agent": f"sampled-{sample}", "context": passages}
            when = {"timestamp": f"{DAY}T10:00:00Z"}
            yield {"interaction_id": name, "answer": record[f"prediction {sample}"], **asked, **when}
            yield reward(name, share, user_id="annotator")
        for dimension, value in _marked(record).items():
            yield reward(f"finegrained-{number}-1", value, dimension=dimension, user_id="annotator")


def _marked(record: Row) -> dict[str, float]:
    """What the marks in the first answer say, in [0, 1]."""
    length = max(1, len(record["prediction 1"]))
    marks = [(mark["error type"], mark["end"] - mark["start"]) for mark in record["feedback"]["errors"]]

    def clean(*kinds: str) -> float:
        return max(0.0, 1 - sum(size for kind, size in marks if kind in kinds) / length)

    return {
        "relevance": clean("Irrelevant", "Redundant", "Incoherent"),
        "factuality": clean("Wrong-Grounding", "Unverifiable"),
        "completeness": 1 / (1 + len(record["feedback"]["missing-info"])),
    }
