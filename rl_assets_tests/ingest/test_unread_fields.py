"""Which fields each log format knows: those of its examples, and so a new one is noticed."""

import json

import pytest

from rl_assets.ingest.conversion import python_formats
from rl_assets.ingest.unread_fields import count_unread, fields_of, holder_of, joined_fields
from rl_assets_tests.support.pages import DOCS, blocks


@pytest.mark.parametrize("log_format", python_formats())
def test_every_field_of_an_example_is_known_and_a_misspelt_one_is_noticed(log_format: str):
    pages = blocks("json", (DOCS / "log-formats.md",))
    (block,) = (block for block in pages if f"landing/{log_format}/" in block.title)
    known, holder = fields_of(log_format), holder_of(log_format)
    for row in map(json.loads, block.text.splitlines()):
        assert joined_fields(row, known, holder) is None
    name = next(name for name in known if len(name) > 4 and "." not in name)
    # Alone, or with the field that says whose fields these are.
    fields = joined_fields({**({holder: {}} if holder else {}), f"{name}s_": 1}, known, holder)
    assert fields is not None
    (noticed,) = count_unread([{"log_format": log_format, "fields": fields, "lines": 3}])
    assert (noticed["field"], noticed["nearest"], noticed["lines"]) == (f"{name}s_", name, 3)
