"""What is wrong with a line that is not JSON, and where; keys that occur twice in any of its objects."""

import json
from typing import Any

MAX_SHOWN = 60


class DuplicateKeyError(ValueError):
    """A key occurs twice in one object; the message is the key."""


def load_strictly(text: str) -> Any:
    """The value of a text. Raises DuplicateKeyError, ValueError (also for NaN and infinities) or RecursionError."""
    return json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_reject_constant)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        raise DuplicateKeyError(next(name for name in names if names.count(name) > 1))
    return value


def _reject_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def duplicate_key(text: str) -> str | None:
    """The first key that occurs twice in an object of the text, however deep; None if there is none."""
    try:
        json.loads(text, object_pairs_hook=_unique_keys)
    except DuplicateKeyError as error:
        return str(error)
    except (ValueError, RecursionError):
        pass  # Another check rejects what is not JSON.
    return None


def syntax_error(text: str) -> str | None:
    """Why a text is not JSON, with the column; None if it is."""
    try:
        json.loads(text, parse_constant=_reject_constant)
    except json.JSONDecodeError as error:
        return _described(text, error)
    except RecursionError:
        return "values are nested too deep"
    except ValueError as error:
        return str(error)
    return None


def json_error(text: str) -> str:
    """Why a text that SQL does not accept is not JSON."""
    return syntax_error(text) or "a lone surrogate, or values that are nested too deep"


def _described(text: str, error: json.JSONDecodeError) -> str:
    line, column = text.strip(), error.pos + 1
    if not line:
        return "an empty line"
    if line[0] not in "{[" and (start := text.find("{")) > 0:
        return f"text before the object, which begins at column {start + 1}: {text[:start].strip()[:MAX_SHOWN]}"
    rest = text[error.pos :].strip()
    if error.msg == "Extra data" and rest in (",", ";"):
        return f"a sign after the value, '{rest}', at column {column}"
    if error.msg == "Extra data" and rest[:1] in ("{", "["):
        return f"more than one value on the line: the second begins at column {column}"
    if not rest or error.msg.startswith("Unterminated string"):
        return f"the line is cut off: it ends inside a value, after column {len(text.rstrip())}"
    return f"{error.msg.removesuffix(' at')} at column {column}"
