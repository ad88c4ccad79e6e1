"""Errors that stay however often a step is tried: told once, as a failure without retries."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from rl_assets.models.memory import DeviceMemoryError

# Input that is wrong or missing, an adapter of another base or altered, and memory that is too small.
PERMANENT = (ValueError, FileNotFoundError, DeviceMemoryError)


@contextmanager
def without_retries() -> Iterator[None]:
    """Fail without retries on an error that stays; others pass, and their step may be tried again."""
    try:
        yield
    except PERMANENT as error:
        raise dg.Failure(str(error), allow_retries=False) from error
