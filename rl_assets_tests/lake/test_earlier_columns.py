"""Days that an earlier version wrote, without the columns on arms and comparisons, stay what they are."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from rl_assets.lake.delta import Lake
from rl_assets.tables.records import FEEDBACK, INTERACTIONS
from rl_assets_tests.support.logs import DAY, Product, about, interaction, later

NEWER = {
    INTERACTIONS: ("assigned_arm", "drawn", "arms", "policy_version", "first_token_ms", "fallback_reason"),
    FEEDBACK: ("shown_first", "other_interaction_id", "seconds", "retracts"),
}


def earlier(product: Product, home: Path) -> Product:
    """The product with a lake as the earlier version wrote it."""
    lake = Lake(str(home))
    for table, names in NEWER.items():
        rows = product.lake.read(table, [DAY]).to_table().drop_columns(list(names))
        fields = [field for field in table.schema if field.name not in names]
        lake.publish(replace(table, schema=pa.schema(fields)), DAY, rows.to_reader())
    return Product(product.landing, lake)


def test_they_are_read_beside_new_days_and_an_answer_that_lands_again_is_no_conflict(product: Product, tmp_path: Path):
    product.log(interaction("a1"), interaction("a2"))
    product.log(about("a1", "f1"), log_format="feedback_table")
    product.ingest()
    old = earlier(product, tmp_path / "old")
    published = {table: old.lake.published(table, DAY).sha256 for table in NEWER}

    old.log(interaction("a1"), interaction("a3", drawn=True, assigned_arm="desk@base", propensity=0.5), day=later(1))
    old.log(about("a1", "f2", "retraction", retracts="f1"), log_format="feedback_table", day=later(1))
    old.ingest(later(1))
    assert {table: old.lake.published(table, DAY).sha256 for table in NEWER} == published
    assert old.rated()["a1"]["reward"] == 1.0
    rows = old.rated(later(1))
    assert (rows["a1"]["reward"], rows["a1"]["resent"], rows["a1"]["conflicts"]) == (None, 1, 0)
    arms = {name: (row["assigned_arm"], row["drawn"], row["propensity"]) for name, row in rows.items()}
    assert arms == {"a1": (None, None, None), "a2": (None, None, None), "a3": ("desk@base", True, 0.5)}

    old.ingest()
    assert {table: old.lake.published(table, DAY).sha256 for table in NEWER} == published
