"""JSON that is stored and landed as it came: what a table, a log line or PostgreSQL cannot hold is found before.

`json.loads` accepts NaN, lone surrogates and numbers of any size, and of two equal keys it keeps the second.
"""

import json
from collections.abc import Iterator
from math import isfinite
from typing import Any

from rl_assets.ingest.strict_json import DuplicateKeyError, load_strictly, syntax_error
from rl_assets.service.acts import unstorable

MAX_INTEGER = 2**63 - 1
# Well below what readers of JSON refuse, each at another depth.
MAX_DEPTH = 100


class UnusableBodyError(ValueError):
    """The body is no usable JSON: a sentence, and the field at fault if it is one field."""

    def __init__(self, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail, self.field = detail, field


def check_json(body: bytes) -> None:
    """Raise UnusableBodyError unless the body is JSON whose every value can be kept."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnusableBodyError(f"the body is not UTF-8: see byte {error.start + 1}") from error
    try:
        value = load_strictly(text)
    except DuplicateKeyError as error:
        raise UnusableBodyError(f"the key {error} occurs twice in one object", str(error)) from error
    except RecursionError as error:
        raise UnusableBodyError("values are nested too deep") from error
    except ValueError as error:
        raise _not_json(text, error) from error
    for field, problem in _problems(value, ""):
        raise UnusableBodyError(f"{field or 'the body'}: {problem}", field or None)


def _not_json(text: str, error: ValueError) -> UnusableBodyError:
    """Names the field of a NaN or an infinity; other faults of syntax have a column."""
    try:
        value = json.loads(text)
    except ValueError:
        return UnusableBodyError(f"the body is not JSON: {syntax_error(text) or error}")
    field, problem = next(_problems(value, ""), ("", str(error)))
    return UnusableBodyError(f"{field or 'the body'}: {problem}", field or None)


def _problems(value: Any, field: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Each value that cannot be kept, by the path of its keys."""
    if depth > MAX_DEPTH:
        yield field.partition(".")[0], f"values are nested deeper than {MAX_DEPTH}"
    elif isinstance(value, dict):
        for key, inner in value.items():
            if problem := unstorable(key):
                yield field, f"one of its keys is no text: {problem}"
            yield from _problems(inner, f"{field}.{key}" if field else key, depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _problems(inner, f"{field}.{index}" if field else str(index), depth + 1)
    elif isinstance(value, str):
        if problem := unstorable(value):
            yield field, problem
    elif isinstance(value, float) and not isfinite(value):
        yield field, "use a finite number"
    elif isinstance(value, int) and not -MAX_INTEGER <= value <= MAX_INTEGER:
        yield field, "use a number of at most 63 bits"
