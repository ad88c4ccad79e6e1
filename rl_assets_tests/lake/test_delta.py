"""Days of Delta tables: replaced whole, independent of each other, recognised by their content."""

import multiprocessing
import random
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake.exceptions import DeltaError

from rl_assets.lake.delta import Lake, Published
from rl_assets.lake.schema_evolution import SchemaChangedError
from rl_assets.lake.table import Table
from rl_assets.tables.decision_evidence import DECISION_EVIDENCE
from rl_assets.tables.records import FEEDBACK, INTERACTIONS
from rl_assets_tests.support.logs import DAY, later


@pytest.fixture
def lake(home: Path) -> Lake:
    return Lake(str(home / "lake"))


def acts(day: date, *ids: str) -> pa.RecordBatchReader:
    """Rows of `feedback` with the given ids."""
    rows = [{"day": day, "feedback_id": name, "content_sha256": name.upper()} for name in ids]
    return pa.Table.from_pylist(rows, schema=FEEDBACK.schema).to_reader()


def publish(lake: Lake, day: date, *ids: str) -> Published:
    return lake.publish(FEEDBACK, day, acts(day, *ids))


def ids(lake: Lake, *days: date) -> list[str]:
    return sorted(lake.read(FEEDBACK, days).to_table()["feedback_id"].to_pylist())


def publish_days(url: str, days: list[date]) -> None:
    """What one of several processes does."""
    for day in days:
        publish(Lake(url), day, f"{day}-1", f"{day}-2")


def test_a_table_without_commits_has_no_days_and_no_rows(lake):
    assert lake.days(FEEDBACK) == []
    assert lake.read(FEEDBACK, [DAY]).to_table().schema.equals(FEEDBACK.schema)


def test_publishing_a_day_replaces_it_and_leaves_the_others(lake):
    publish(lake, DAY, "a", "b")
    publish(lake, later(1), "c")
    publish(lake, DAY, "d")
    assert ids(lake, DAY) == ["d"]
    assert ids(lake, later(1)) == ["c"]
    assert lake.days(FEEDBACK) == [DAY, later(1)]


def test_a_part_of_a_partition_replaces_rows_with_its_values_alone_whether_they_share_files_or_not(lake):
    month = f"{DAY:%Y-%m}"

    def rows(*values: tuple[str | None, str], day: date = DAY) -> pa.RecordBatchReader:
        named = [{"month": month, "day": day, "segment": segment, "cluster": cluster} for segment, cluster in values]
        return pa.Table.from_pylist(named, schema=DECISION_EVIDENCE.schema).to_reader()

    def part(segment: str | None, *clusters: str, day: date = DAY) -> Published:
        values = [(segment, cluster) for cluster in clusters]
        return lake.publish(DECISION_EVIDENCE, month, rows(*values, day=day), {"day": day, "segment": segment})

    def stored() -> set[tuple[str | None, str]]:
        found = lake.read(DECISION_EVIDENCE, [month]).to_table().to_pylist()
        return {(row["segment"], row["cluster"]) for row in found}

    lake.publish(DECISION_EVIDENCE, month, rows((None, "a"), ("x", "b"), ("y", "c")))
    assert part("x", "d").rows == 1
    assert stored() == {(None, "a"), ("x", "d"), ("y", "c")}
    alone = part(None, "e")
    assert stored() == {(None, "e"), ("x", "d"), ("y", "c")}
    part("y")
    part("x", "f", day=DAY + timedelta(days=1))
    assert stored() == {(None, "e"), ("x", "d"), ("x", "f")}
    assert part(None, "e").sha256 == alone.sha256
    assert len(lake.read(DECISION_EVIDENCE, [month]).files) == 1
    with pytest.raises(DeltaError):
        lake.publish(DECISION_EVIDENCE, month, rows(("x", "other")), {"day": DAY, "segment": None})


def test_publishing_a_day_is_one_commit_that_names_it(lake):
    publish(lake, DAY, "a")
    before = lake.open(FEEDBACK).version()
    publish(lake, DAY, "b", "c")
    assert lake.open(FEEDBACK).version() == before + 1
    assert lake.open(FEEDBACK).history(1)[0]["day"] == str(DAY)


def test_a_day_that_became_empty_keeps_no_former_rows(lake):
    publish(lake, DAY, "a")
    publish(lake, later(1), "b")
    published = publish(lake, DAY)
    assert published.rows == 0
    assert lake.days(FEEDBACK) == [later(1)]
    assert ids(lake, DAY, later(1)) == ["b"]


def test_the_first_day_of_a_table_may_be_empty(lake):
    assert publish(lake, DAY).rows == 0
    assert lake.open(FEEDBACK) is not None
    assert ids(lake, DAY) == []


def test_rows_of_another_day_are_refused_and_nothing_changes(lake):
    publish(lake, DAY, "a")
    with pytest.raises(DeltaError):
        lake.publish(FEEDBACK, DAY, acts(later(1), "b"))
    assert ids(lake, DAY, later(1)) == ["a"]


def test_rows_whose_source_fails_half_way_change_nothing(lake):
    publish(lake, DAY, "a")

    def batches():
        yield acts(DAY, "b").read_next_batch()
        raise OSError("the disk is gone")

    with pytest.raises(Exception, match="the disk is gone"):
        lake.publish(FEEDBACK, DAY, pa.RecordBatchReader.from_batches(FEEDBACK.schema, batches()))
    assert ids(lake, DAY) == ["a"]


@pytest.mark.slow
def test_two_processes_that_publish_other_days_do_not_disturb_each_other(lake):
    publish(lake, later(-1), "first")
    halves = [[later(i) for i in range(start, 6, 2)] for start in (0, 1)]
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=publish_days, args=(lake.url, days)) for days in halves]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert lake.days(FEEDBACK) == [later(i) for i in range(-1, 6)]
    assert lake.read(FEEDBACK, lake.days(FEEDBACK)).count_rows() == 13


def test_the_content_hash_does_not_depend_on_the_order_of_rows(lake):
    names = [f"id-{i}" for i in range(50)]
    first = publish(lake, DAY, *names)
    random.Random(1).shuffle(names)
    assert publish(lake, DAY, *names).sha256 == first.sha256
    assert publish(lake, DAY, *names[1:]).sha256 != first.sha256


def test_the_content_hash_tells_a_missing_value_from_an_empty_one(lake):
    def hash_of(value: str | None) -> str:
        rows = pa.Table.from_pylist([{"day": DAY, "feedback_id": value}], schema=FEEDBACK.schema)
        return lake.publish(FEEDBACK, DAY, rows.to_reader()).sha256

    assert hash_of(None) != hash_of("")


def test_columns_may_come_in_any_order(lake):
    rows = pa.Table.from_pylist([{"day": DAY, "feedback_id": "a"}], schema=FEEDBACK.schema)
    lake.publish(FEEDBACK, DAY, rows.select(FEEDBACK.schema.names[::-1]).to_reader())
    assert ids(lake, DAY) == ["a"]


def test_nested_columns_come_back_as_they_were(lake):
    row = {
        "day": DAY,
        "interaction_id": "a",
        "prompt": [{"role": "user", "content": "hi"}],
        "quality_scores": [("overall", 0.5)],
        "tools_used": [],
    }
    lake.publish(INTERACTIONS, DAY, pa.Table.from_pylist([row], schema=INTERACTIONS.schema).to_reader())
    found = lake.read(INTERACTIONS, [DAY]).to_table().to_pylist()[0]
    assert {name: found[name] for name in row} == row


def test_only_columns_whose_values_repeat_have_a_dictionary(lake):
    rows = [{"day": DAY, "interaction_id": str(i), "agent": "a", "answer": f"Answer {i}."} for i in range(9)]
    lake.publish(INTERACTIONS, DAY, pa.Table.from_pylist(rows, INTERACTIONS.schema).to_reader())
    (path,) = Path(lake.uri(INTERACTIONS)).glob("day=*/*.parquet")
    stored = pq.ParquetFile(path).metadata.row_group(0)
    columns = [stored.column(i) for i in range(stored.num_columns)]
    has = {column.path_in_schema: column.has_dictionary_page for column in columns}
    assert has["agent"] and not any(has[name] for name in INTERACTIONS.distinct)


def altered(table: Table, **kinds: pa.DataType | None) -> Table:
    """The table as another version of the project had it: columns of other types, added, or left out (None)."""
    fields = [field for field in table.schema if field.name not in kinds]
    return replace(table, schema=pa.schema([*fields, *((name, kind) for name, kind in kinds.items() if kind)]))


def test_a_table_of_an_earlier_version_takes_on_new_columns(lake):
    before = altered(FEEDBACK, rater=None, content_sha256=None, mood=pa.string())
    rows = [{"day": DAY, "feedback_id": "old", "mood": "good"}]
    lake.publish(replace(before, identity=("feedback_id",)), DAY, pa.Table.from_pylist(rows, before.schema).to_reader())
    assert lake.read(FEEDBACK, [DAY]).to_table()["rater"].to_pylist() == [None]
    publish(lake, later(1), "new")
    assert ids(lake, DAY, later(1)) == ["new", "old"]
    assert lake.read(before, [DAY, later(1)]).to_table().sort_by("day")["mood"].to_pylist() == ["good", None]
    publish(lake, DAY, "again")
    assert ids(lake, DAY, later(1)) == ["again", "new"]


def test_new_columns_are_added_to_a_table_whose_columns_were_described_otherwise(lake):
    before = altered(FEEDBACK, rater=None)
    reworded = pa.schema([field.with_metadata({"description": "as it once was"}) for field in before.schema])
    rows = pa.Table.from_pylist([{"day": DAY, "feedback_id": "old"}], reworded)
    lake.publish(replace(before, schema=reworded, identity=("feedback_id",)), DAY, rows.to_reader())
    publish(lake, later(1), "new")
    assert ids(lake, DAY, later(1)) == ["new", "old"]


def test_a_column_that_changed_its_type_is_refused_in_a_sentence_and_nothing_changes(lake):
    publish(lake, DAY, "a")
    changed = altered(FEEDBACK, value=pa.string())
    with pytest.raises(SchemaChangedError, match=r"feedback/ holds value in another type \(value: .*double.*string"):
        lake.publish(changed, later(1), changed.schema.empty_table().to_reader())
    assert lake.days(FEEDBACK) == [DAY]


def test_a_long_history_is_opened_from_checkpoints(lake):
    for i in range(25):
        publish(lake, later(i), str(i))
    log = Path(lake.uri(FEEDBACK)) / "_delta_log"
    newest = max(int(path.name.split(".")[0]) for path in log.glob("*.checkpoint.parquet"))
    assert lake.open(FEEDBACK).version() - newest < 10
    assert len(lake.days(FEEDBACK)) == 25
