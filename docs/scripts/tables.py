"""Tables of the reference pages, made from the code when the site is built (a hook of MkDocs).

`::fields module.Model` becomes the fields of a pydantic model and of the models in it; `::columns package` the columns
of every table of the lake that modules of the package define. A name that does not exist stops the build.
"""

import importlib
import inspect
import json
import pkgutil
import re
import types
from collections.abc import Callable, Iterable, Sequence
from itertools import compress
from typing import Any, Literal, Union, get_args, get_origin

import pyarrow as pa
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from rl_assets.lake.table import Table

DIRECTIVE = re.compile(r"(?m)^::(fields|columns) ([\w.]+)$")
SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
LONGEST_TYPE = 40


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The page with tables in place of its directives."""
    return DIRECTIVE.sub(lambda match: TABLES[match[1]](match[2]), markdown)


def fields(path: str) -> str:
    module, _, name = path.rpartition(".")
    return "\n\n".join(sections(getattr(importlib.import_module(module), name)))


def sections(model: type[BaseModel]) -> Iterable[str]:
    """What a model says of itself, a table of its fields, and a section for each field that is a model."""
    yield inspect.getdoc(model) or ""
    yield grid(
        ("key", "type", "range", "default", "meaning"),
        [
            (f"`{name}`", kind(field.annotation), limits(field), default(field), field.description or "")
            for name, field in model.model_fields.items()
        ],
    )
    for name, field in model.model_fields.items():
        if is_model(field.annotation):
            yield f"### {name}"
            yield from sections(field.annotation)


def columns(package: str) -> str:
    """A section for each table: its partition, and name, type and description of each column."""
    modules = pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}.")
    tables = {
        table.name: table
        for module in modules
        for table in vars(importlib.import_module(module.name)).values()
        if isinstance(table, Table)
    }
    return "\n\n".join(text for _, table in sorted(tables.items()) for text in column_section(table))


def column_section(table: Table) -> Iterable[str]:
    yield f"## {table.name}"
    yield f"Partitioned by `{table.partition}`."
    yield grid(
        ("column", "type", "meaning"),
        [(f"`{field.name}`", f"`{short(field.type)}`", description(field)) for field in table.schema],
    )


def description(field: pa.Field) -> str:
    return (field.metadata or {}).get(b"description", b"").decode()


def short(kind_of_column: pa.DataType) -> str:
    text = str(kind_of_column)
    return text if len(text) <= LONGEST_TYPE else f"{text.split('<', maxsplit=1)[0]}<...>"


def is_model(annotation: Any) -> bool:
    return inspect.isclass(annotation) and issubclass(annotation, BaseModel)


def kind(annotation: Any) -> str:
    """A type in the words of YAML."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (types.UnionType, Union):
        return " or ".join("`null`" if argument is type(None) else kind(argument) for argument in arguments)
    if origin in (tuple, list):
        return f"list of {kind(arguments[0])}"
    return "mapping" if origin is dict or is_model(annotation) else f"`{annotation.__name__}`"


def limits(field: FieldInfo) -> str:
    return ", ".join(
        f"{sign} {getattr(bound, name)}"
        for bound in field.metadata
        for name, sign in SIGNS.items()
        if hasattr(bound, name)
    )


def default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if isinstance(field.default, BaseModel):
        return "below"
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    return f"`{value if isinstance(value, str) else json.dumps(value, default=str)}`"


def grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in markdown, without the columns that are empty in every row."""
    kept = [any(cells) for cells in zip(*rows, strict=True)]
    lines = [list(compress(line, kept)) for line in (header, ["---"] * len(header), *rows)]
    escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


TABLES: dict[str, Callable[[str], str]] = {"fields": fields, "columns": columns}
