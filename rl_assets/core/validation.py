"""Validation of files that are read back or edited by hand: a strict base model, and errors as a sentence."""

import difflib
import types
from collections.abc import Iterator, Mapping
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

MAX_SHOWN = 60
# What is allowed, by pydantic's type of problem; its own words stand for all others, most of them our own sentences.
ALLOWED: Mapping[str, str] = {
    "literal_error": "use {expected}",
    "int_type": "use a whole number",
    "int_parsing": "use a whole number",
    "int_from_float": "use a whole number",
    "float_type": "use a number",
    "float_parsing": "use a number",
    "bool_type": "use true or false",
    "bool_parsing": "use true or false",
    "string_type": "use a text",
    "list_type": "use a list",
    "tuple_type": "use a list",
    "dict_type": "use a mapping of keys to values",
    "model_type": "use a mapping of keys to values",
    "model_attributes_type": "use a mapping of keys to values",
    "greater_than": "use a number above {gt:g}",
    "greater_than_equal": "use {ge:g} or more",
    "less_than": "use a number below {lt:g}",
    "less_than_equal": "use {le:g} or less",
    "finite_number": "use a finite number",
    "too_short": "give at least {min_length}",
    "none_required": "leave it out",
}


class Record(BaseModel):
    """Base of values that are written to files: unknown fields are rejected, and instances are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def problems(error: ValidationError, name: str = "the file", schema: Any = None) -> str:
    """Each problem with its position, as `models.gpt-4o.input is missing; sft.optim is 'adam': use 'adamw_torch'`.

    `name` names the validated object, for problems that concern all of it. `schema`, the model or type that was
    validated, lets it name the nearest key to an unknown one.
    """
    return "; ".join(_problem(dict(item), name, schema) for item in error.errors())


def _problem(item: dict[str, Any], name: str, schema: Any) -> str:
    position = ".".join(str(part) for part in item["loc"]) or name
    kind, context = item["type"], item.get("ctx", {})
    if kind == "missing":
        return f"{position} is missing"
    if kind == "extra_forbidden":
        return f"{position} is no key{_nearest(str(item['loc'][-1]), [*keys_at(schema, item['loc'][:-1])])}"
    if kind == "value_error":
        return f"{position}: {context['error']}"
    if kind in ALLOWED:
        return f"{position} is {_shown(item['input'])}: {ALLOWED[kind].format(**context)}"
    return f"{position} is {_shown(item['input'])}: {item['msg']}"


def _nearest(key: str, known: list[str]) -> str:
    """The known key that is most like it, or all of them."""
    if not known:
        return ""
    close = difflib.get_close_matches(key, known, n=1)
    return f": did you mean {close[0]}?" if close else f": use one of {', '.join(sorted(known))}"


def keys_at(schema: Any, location: tuple[Any, ...]) -> Iterator[str]:
    """The keys of the model at that location of a model or type; nothing if there is none, or the location is wrong."""
    for model in _models_of(schema):
        if not location:
            yield from model.model_fields
        elif (field := model.model_fields.get(str(location[0]))) is not None:
            yield from keys_at(field.annotation, location[1:])
    if get_origin(schema) is dict and location:
        yield from keys_at(get_args(schema)[1], location[1:])


def _models_of(schema: Any) -> list[type[BaseModel]]:
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return [schema]
    if get_origin(schema) in (Union, types.UnionType):
        return [model for part in get_args(schema) for model in _models_of(part)]
    return []


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"
