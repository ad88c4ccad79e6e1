"""Answers that the day's models gave to the held-out prompts, as a table that agents are compared by like logged ones.

`eval_report` generates and keeps them, so that the A/B report of adapters generates nothing.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from rl_assets.core import sql
from rl_assets.core.files import sha256_text, write_atomically
from rl_assets.evaluation.run.estimates import ITEM_METRICS, EvalScores
from rl_assets.evaluation.run.generate import ModelScores
from rl_assets.evaluation.schema.metrics import METRICS
from rl_assets.evaluation.schema.primary import LEVEL_WITHOUT
from rl_assets.lake.table import column
from rl_assets.llm.prices import PricesUsed
from rl_assets.tables.records import MESSAGES

ANSWERS_FILE = "answers.parquet"
# The columns of `rated` and of `interactions` that the A/B statements read, in one table.
ANSWERS = pa.schema(
    [
        column("interaction_id", pa.string(), "item and model"),
        column("day", pa.date32(), "the report's day"),
        column("landed_day", pa.date32(), "the same"),
        column("agent", pa.string(), "the model, with its roles"),
        column("weights", pa.string(), "sha256 of its weights"),
        column("prompt_key", pa.string(), "hash of the normalised conversation"),
        column("segment", pa.string(), "slice of the product"),
        column("category", pa.string(), "kind of question"),
        column("prompt", MESSAGES, "the held-out prompt"),
        column("answer", pa.string(), "the model's answer, decoded greedily"),
        column("answer_key", pa.string(), "hash of the answer"),
        column("answer_chars", pa.int64(), "its length"),
        column("reward", pa.float64(), "the metric of the report's levels, in [0, 1]; null without a reference"),
        column("reward_source", pa.string(), "name of that metric"),
        column("error", pa.bool_(), "the answer is empty, or was cut off at the limit of new tokens"),
        column("latency_ms", pa.float64(), "null: answers were generated in batches"),
        column("tokens", pa.int64(), "tokens of prompt and answer"),
        column("cost_usd", pa.float64(), "cost in US dollars; null if the price table does not name the base"),
        column("trainable", pa.bool_(), "true: these prompts were rendered"),
    ]
)


def answers_table(day: str, scores: EvalScores, prices: PricesUsed) -> pa.Table:
    """Every model's answer to every held-out prompt (`ANSWERS`), model by model in the order of the items."""
    models = scores.models
    rows: list[dict[str, Any]] = []
    for weights, adapter in models.distinct().items():
        roles = [role for role, own in models.roles().items() if models.weights(own) == weights]
        agent = f"{models.label(adapter)} ({', '.join(roles)})" if roles else models.label(adapter)
        shared = {"day": date.fromisoformat(day), "landed_day": date.fromisoformat(day), "agent": agent}
        outputs = scores.outputs[weights].held_out
        rows += [shared | {"weights": weights} | row for row in _rows(scores, outputs, prices)]
    return pa.Table.from_pylist(
        [row | {"interaction_id": f"{row['prompt_key']}-{n}"} for n, row in enumerate(rows)], schema=ANSWERS
    )


def _rows(scores: EvalScores, outputs: ModelScores, prices: PricesUsed) -> Iterator[dict[str, Any]]:
    name = scores.level if scores.level in ITEM_METRICS else LEVEL_WITHOUT
    metric = ITEM_METRICS[name]
    for item, answer in zip(scores.held_out.items, outputs.generation.answers, strict=True):
        yield {
            "prompt_key": item.cluster,
            "segment": item.segment,
            "category": item.category,
            "prompt": list(item.prompt),
            "answer": answer.text,
            "answer_key": sha256_text(answer.text),
            "answer_chars": len(answer.text),
            "reward": metric(item, answer.text),
            "reward_source": METRICS[name].title.lower(),
            "error": not answer.text or not answer.finished,
            "tokens": answer.prompt_tokens + answer.tokens,
            "cost_usd": prices.price.usd(answer.prompt_tokens, answer.tokens) if prices.price else None,
            "trainable": True,
        }


def write_answers(answers: pa.Table, folder: Path) -> None:
    """Keep them next to the report, written atomically."""
    sink = pa.BufferOutputStream()
    pq.write_table(answers, sink, compression="zstd")
    write_atomically(folder / ANSWERS_FILE, sink.getvalue().to_pybytes())


def generated_answers(folder: Path, memory_limit: str) -> duckdb.DuckDBPyConnection:
    """A connection whose `rated` and `interactions` are the answers kept there. FileNotFoundError without them."""
    path = folder / ANSWERS_FILE
    if not path.is_file():
        raise FileNotFoundError(f"no answers at {path}: materialize eval_report of that day first")
    connection = sql.connect(memory_limit)
    answers = pq.read_table(path)
    for name in ("rated", "interactions"):
        connection.register(name, answers)
    return connection
