"""Items prefetched in a thread: the same ones, and the same errors."""

import threading
from collections.abc import Iterator

import pytest

from rl_assets.ingest.prefetch import prefetch


def test_the_items_come_in_their_order():
    assert list(prefetch(iter(range(100)))) == list(range(100))
    assert list(prefetch(iter([]))) == []


def test_an_item_is_made_while_the_one_before_is_used():
    second_was_made = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        second_was_made.set()
        yield 2

    made = prefetch(items())
    assert next(made) == 1
    assert second_was_made.wait(timeout=30)
    assert list(made) == [2]


def test_what_making_an_item_raises_is_raised_in_its_place():
    def items() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    made = prefetch(items())
    assert next(made) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(made)


def test_no_thread_is_left_where_the_items_are_not_wanted_to_their_end():
    before = threading.active_count()
    made = prefetch(iter(range(100)))
    next(made)
    made.close()
    assert threading.active_count() == before
