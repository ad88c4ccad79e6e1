"""Prefetching: the next item of a stream is made while the current one is used."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def prefetch(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each made in a thread while the previous one is used; exceptions are raised here.

    Worth its thread if both sides spend their time outside Python: DuckDB, hashing, the Delta writer.
    """
    with ThreadPoolExecutor(1) as executor:
        upcoming = executor.submit(next, items, None)
        while (item := upcoming.result()) is not None:
            upcoming = executor.submit(next, items, None)
            yield item
