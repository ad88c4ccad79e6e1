"""What is found out about rows when they land, each part apart: personal data, wording, languages, near-duplicates.

Prompts are placed against histories of different lengths, since every new prompt is looked up among all earlier ones.
"""

import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from rl_assets.core import sql
from rl_assets.core.identity import prompt_key
from rl_assets.features.benchmarks import read_benchmarks
from rl_assets.features.clusters import METHOD, assign_clusters
from rl_assets.features.day import describe_day
from rl_assets.features.privacy import holds_personal_data, redact
from rl_assets.features.text_flags import boilerplate, languages, refusals
from rl_assets.features.words import signed, word_hashes
from rl_assets.lake.delta import Lake
from rl_assets.tables.features import PROMPT_CLUSTERS
from rl_assets.tables.records import INTERACTIONS, MESSAGES
from rl_assets_tests.benchmarks.ingest import DAY
from rl_assets_tests.benchmarks.logs import QUESTION_CHARACTERS, piece
from rl_assets_tests.benchmarks.measure import seconds

TEXTS = 20_000
PERSONAL = "Write to jo.doe@example.org or call +49 30 1234567."
NEW_PROMPTS = 3_000
MONTHS = 10


def parts(lake: Lake) -> Iterator[str]:
    """Rows a second of each part, on answers of the lake's day; the last line is all of it, with what is published."""
    rows = lake.read(INTERACTIONS, [DAY]).head(TEXTS, columns=["answer"])
    answers = rows.column("answer").combine_chunks()
    texts = answers.to_pylist()
    personal = [f"{text} {PERSONAL}" for text in texts[: TEXTS // 10]]
    yield from (
        _line("personal data, none there", len(texts), seconds(lambda: holds_personal_data(answers))),
        _line("personal data, replaced", len(personal), seconds(lambda: [redact(text) for text in personal])),
        _line("refusals, boilerplate", len(texts), seconds(lambda: (refusals(answers), boilerplate(answers)))),
        _line("languages", len(texts), seconds(lambda: languages(answers))),
        _line("words of answers", len(texts), seconds(lambda: [word_hashes([text]) for text in texts])),
    )
    whole = lake.read(INTERACTIONS, [DAY]).count_rows()
    yield _line("describe a day, all of it", whole, seconds(lambda: describe_day(lake, DAY, read_benchmarks(None))))


def _line(name: str, rows: int, wall: float) -> str:
    return f"{name:32} {rows:>9,} rows  {wall:6.2f} s  {rows / wall:>9,.0f} rows/s"


def lookups(folder: Path, histories: list[int]) -> Iterator[str]:
    """Time to place a day's new prompts after so many earlier ones."""
    rng = random.Random(7)
    for earlier in histories:
        lake = Lake(str(folder / f"after-{earlier}"))
        for month in range(1, MONTHS + 1) if earlier else ():
            _place_before(lake, month, _questions(rng, earlier // MONTHS))
        connection = _landed(_questions(rng, NEW_PROMPTS))
        wall = seconds(lambda lake=lake, connection=connection: assign_clusters(connection, lake, date(2026, 12, 1)))
        yield f"{f'{NEW_PROMPTS:,} new prompts after':32} {earlier:>9,} earlier  {wall:6.2f} s"


def _questions(rng: random.Random, count: int) -> list[str]:
    return [f"{piece(rng, QUESTION_CHARACTERS)} {rng.random()}?" for _ in range(count)]


def _key(text: str) -> str:
    return prompt_key(["user"], [text], None, None)


def _place_before(lake: Lake, month: int, texts: list[str]) -> None:
    said, keys = [word_hashes([text]) for text in texts], [_key(text) for text in texts]
    name, day = f"2026-{month:02}", date(2026, month, 1)
    columns = [[name] * len(keys), [day] * len(keys), keys, keys, [METHOD] * len(keys), signed(said)]
    lake.publish(PROMPT_CLUSTERS, name, pa.table(columns, schema=PROMPT_CLUSTERS.schema).to_reader())


def _landed(texts: list[str]) -> duckdb.DuckDBPyConnection:
    connection = sql.connect()
    prompts = pa.array([[{"role": "user", "content": text}] for text in texts], MESSAGES)
    ids, keys = [str(number) for number in range(len(texts))], [_key(text) for text in texts]
    connection.register("interactions", pa.table({"interaction_id": ids, "prompt": prompts, "prompt_key": keys}))
    return connection
