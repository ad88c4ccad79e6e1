"""Columns in which every text is a date or a time.

Tools load JSON with the library `datasets`, which makes times of such texts, and the tools then find no answers.
"""

import re
from collections.abc import Iterator
from typing import Any

# What pyarrow's JSON reader takes for a time.
TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d(?::\d\d(?::\d\d)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII)


class DateColumns:
    """Rows are added one by one; a column is the path of keys to a text, as in `chosen.value`."""

    def __init__(self) -> None:
        self._all_times: dict[str, bool] = {}

    def add(self, row: dict[str, Any]) -> None:
        """Look at the texts of a row."""
        for column, text in _texts("", row):
            if self._all_times.get(column, True):
                self._all_times[column] = TIME.fullmatch(text) is not None

    def names(self) -> list[str]:
        """The columns whose texts are all dates or times."""
        return [column for column, all_times in self._all_times.items() if all_times]


def _texts(column: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield column, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(f"{column}.{key}" if column else key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(column, inner)
