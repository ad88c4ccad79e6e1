"""A product of two days with three users, of whom mary will be erased; its datasets are built through Dagster."""

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq

from rl_assets.core.home import Home
from rl_assets.core.identity import user_hash_key
from rl_assets.definitions import build_defs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.lake.delta import Lake
from rl_assets.lake.tombstones import Erased, hash_user
from rl_assets.settings import Settings
from rl_assets_tests.support.logs import DAY, Product, interaction, later, opinion, reward

FIRST, SECOND = str(DAY), str(later(1))
# In everything that mary wrote or was told, and in nothing else.
SECRET = "zebrafish"
MARYS = ("m1", "m2", "m3", "m4")
# Of these the previews of the datasets show some: which, the splits decide.
TEXTS_OF_MARY = (
    f"mary knows better: {SECRET}.",
    f"For mary: the {SECRET}.",
    *(f"Where does my {SECRET} number {name} live?" for name in MARYS[:2]),
)


def fill_landing(product: Product) -> None:
    """Answers to mary, tom and ann on two days, with ratings, thumbs, corrections and lines that are refused."""
    for day in (DAY, later(1)):
        own = [_answer(f"t{day.day}{n}", "tom", f"What is {n} and {day.day}?", day) for n in range(12)]
        product.log(*own, _answer(f"a{day.day}", "ann", "What is shared?", day), day=day, name="others.jsonl")
        product.log(*[reward(row["interaction_id"], 0.9) for row in own], log_format="reward_log", day=day)
    product.log(
        *(_answer(name, "mary", f"Where does my {SECRET} number {name} live?", DAY) for name in MARYS[:2]),
        _answer("m3", "mary", "What is shared?", DAY, answer=f"For mary: the {SECRET}."),
        {**_answer("m5", "mary", f"My {SECRET} again?", DAY), "latency_ms": "slow"},
        {**_answer("t99", "tom", "Was it refused?", DAY), "latency_ms": "slow"},
        f'{{"interaction_id": "m6", "user_id": "mary", "query": "the {SECRET} is torn',
        name="mary.jsonl",
    )
    product.log(_answer("m4", "mary", f"Is the {SECRET} back?", later(1)), day=later(1), name="mary.jsonl")
    product.log(
        *(reward(name, 1.0) for name in MARYS),
        reward("m1", 7.0, comment=SECRET),
        log_format="reward_log",
        day=later(1),
        name="late.jsonl",
    )
    product.log(
        _correction("c-mary", "mary", "t11", f"mary knows better: {SECRET}."),
        _correction("c-ann", "ann", "a1", "ann knows better."),
        opinion("o-mary", user_id="mary", prompt=f"Write about the {SECRET}.", model_output=f"O {SECRET}!"),
        opinion("o-tom", user_id="tom"),
        log_format="feedback_table",
    )


def _answer(name: str, user: str, query: str, day: date, answer: str | None = None) -> dict[str, Any]:
    said = answer or f"{name} says: it is in {query}"
    times = {"timestamp": f"{day}T10:00:00Z", "quality_scores": {"overall": 0.95}}
    return interaction(name, user_id=user, query=query, answer=said, **times)


def _correction(name: str, user: str, about: str, text: str) -> dict[str, Any]:
    fields = {"interaction_id": about, "prompt": None, "model_output": None, "preferred_output": text}
    return opinion(name, "correction", user_id=user, **fields)


def definitions(home: Path) -> dg.Definitions:
    return build_defs(
        resources={"home": HomeResource.from_settings(Settings(home=home))}, executor=dg.in_process_executor
    )


def build(home: Path, instance: dg.DagsterInstance | None = None, select: str = "datasets_job") -> None:
    """Materialize both days in one run."""
    tags = {"dagster/asset_partition_range_start": FIRST, "dagster/asset_partition_range_end": SECOND}
    assert definitions(home).resolve_job_def(select).execute_in_process(tags=tags, instance=instance).success


def key(home: Path) -> bytes:
    return user_hash_key(None, Home(home))


def mary(home: Path) -> Erased:
    return Erased(users=frozenset({hash_user("mary", key(home))}))


def lake(home: Path) -> Lake:
    return Lake(str(home / "lake"))


def traces_of_mary(home: Path, ids: tuple[str, ...] = MARYS) -> list[str]:
    """Every file of the home but tombstones and the landing folder that says her secret, her hash or an id of hers."""
    words = (SECRET, hash_user("mary", key(home)), *(f"'{name}'" for name in ids))
    kept = [path for path in sorted(home.rglob("*")) if path.is_file() and not _is_hers_to_name(home, path)]
    return [path.relative_to(home).as_posix() for path in kept if any(word in _said(path) for word in words)]


def _is_hers_to_name(home: Path, path: Path) -> bool:
    place = path.relative_to(home).parts
    return place[0] == "landing" or place[:2] == ("lake", "erasures")


def _said(path: Path) -> str:
    """The file's content as text, each value of a table quoted."""
    if path.suffix == ".parquet":
        table = pq.ParquetFile(path).read()
        return str([*table.to_pylist(), _statistics(path)]) if isinstance(table, pa.Table) else ""
    return path.read_bytes().decode("utf-8", "replace").replace('"', "'")


def _statistics(path: Path) -> str:
    metadata = pq.ParquetFile(path).metadata
    groups = range(metadata.num_row_groups)
    return str([metadata.row_group(i).column(j).statistics for i in groups for j in range(metadata.num_columns)])
