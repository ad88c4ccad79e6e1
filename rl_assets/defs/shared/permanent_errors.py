"""Errors that stay however often a step is tried: told once, as a failure without retries."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from rl_assets.training.errors import PERMANENT


@contextmanager
def without_retries() -> Iterator[None]:
    """Fail without retries on input that is wrong or missing, or memory that is too small; other errors pass, and
    their step may be tried again."""
    try:
        yield
    except PERMANENT as error:
        raise dg.Failure(str(error), allow_retries=False) from error
