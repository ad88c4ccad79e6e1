"""Versions of tables that stay open: as if they were opened anew each time."""

import shutil
from pathlib import Path

from rl_assets.lake.table_versions import TableVersions
from rl_assets.tables.records import FEEDBACK, INTERACTIONS
from rl_assets_tests.support.logs import Product, judged


def test_a_commit_shows_and_a_table_without_one_has_no_version(product: Product):
    versions = TableVersions(product.lake, (INTERACTIONS, FEEDBACK))
    assert versions.newest() == (None, None)
    product.log(judged("a", 0.5))
    product.ingest()
    before = versions.newest()
    product.log(judged("b", 0.5), name="late.jsonl")
    product.ingest()
    assert versions.newest() == tuple(product.lake.open(table).version() for table in (INTERACTIONS, FEEDBACK))
    assert versions.newest()[0] > before[0]


def test_a_table_that_was_made_anew_is_opened_again(product: Product):
    versions = TableVersions(product.lake, (INTERACTIONS,), open_seconds=0)
    for number in range(3):
        product.log(judged(f"{number}", 0.5), name=f"{number}.jsonl")
        product.ingest()
    assert versions.newest()[0] == 2
    shutil.rmtree(Path(product.lake.uri(INTERACTIONS)))
    product.log(judged("new", 0.5), name="new.jsonl")
    product.ingest()
    assert versions.newest() == (0,)
