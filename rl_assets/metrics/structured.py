"""Structured outputs: field-level F1 of a JSON answer against a JSON reference, and JSON schemas."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rl_assets.metrics.text import normalise, parsed_json


def fields(value: Any, path: str = "$") -> Iterator[tuple[str, str]]:
    """(path, value) of every leaf. List items share a path, so their order does not count; an empty list or
    object is a leaf of its own. Strings are compared after SQuAD normalisation, numbers by value."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from fields(inner, f"{path}.{key}")
    elif isinstance(value, list) and value:
        for inner in value:
            yield from fields(inner, f"{path}[]")
    else:
        yield path, _leaf(value)


def _leaf(value: Any) -> str:
    if isinstance(value, str):
        return f"text {normalise(value) or value}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"number {float(value)!r}" if abs(value) < 2**53 else f"number {value!r}"
    return repr(value)


def field_f1(answer: str, references: Sequence[str]) -> float | None:
    """Best F1 over the references of the multisets of (path, value), in [0, 1]; 0.0 for an answer that is not
    JSON; None if a reference is not a JSON object or array."""
    expected = [parsed_json(reference) for reference in references]
    if not expected or any(value is None for value in expected):
        return None
    value = parsed_json(answer)
    if value is None:
        return 0.0
    ours = Counter(fields(value))
    return max(_f1(ours, Counter(fields(reference))) for reference in expected)


def _f1(ours: Counter[tuple[str, str]], theirs: Counter[tuple[str, str]]) -> float:
    return 2 * (ours & theirs).total() / (ours.total() + theirs.total())


def follows_schema(answer: str, schema: dict[str, Any]) -> bool:
    """Whether the answer is JSON that the schema (draft 2020-12 unless it names another) accepts.

    References to other documents are never fetched, and `check_schema` rejects them beforehand.
    """
    from jsonschema.validators import validator_for
    from referencing import Registry

    value = parsed_json(answer)
    return value is not None and validator_for(schema)(schema, registry=Registry()).is_valid(value)


def check_schema(schema: dict[str, Any]) -> None:
    """Raises ValueError for an invalid schema, or one that refers to another document."""
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    try:
        validator_for(schema).check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"the JSON schema is invalid: {error.message}") from error
    if foreign := [target for target in _references(schema) if not target.startswith("#")]:
        raise ValueError(f"the JSON schema refers to {foreign[0]!r}; only references inside it (#...) are followed")


def _references(value: Any) -> Iterator[str]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if isinstance(value, dict) and isinstance(value.get("$ref"), str):
        yield value["$ref"]
    for child in inner:
        yield from _references(child)
