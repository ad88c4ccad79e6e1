"""Tables that an earlier version of the project wrote: columns may be added and left out, never change their type."""

from typing import Literal

from deltalake import DeltaTable
from deltalake import Schema as DeltaSchema

from rl_assets.lake.table import Table


class SchemaChangedError(TypeError):
    """A table in the lake has a column of another type than the project writes."""


def schema_mode(delta: DeltaTable | None, table: Table) -> Literal["merge"] | None:
    """How to write `table` into the Delta table that is there: `merge` where they have other columns.

    Rows of before say nothing in a column that is new, and rows from now on nothing in one that is gone.
    Raises SchemaChangedError where a column of both has another type, before anything is written.
    """
    if delta is None:
        return None
    wanted = {field.name: field.type for field in DeltaSchema.from_arrow(table.schema).fields}
    there = {field.name: field.type for field in delta.schema().fields}
    changed = sorted(name for name in wanted.keys() & there.keys() if wanted[name] != there[name])
    if changed:
        name = changed[0]
        raise SchemaChangedError(
            f"{delta.table_uri} holds {', '.join(changed)} in another type ({name}: {_said(there[name])}, "
            f"{_said(wanted[name])} is written now): move the table away and materialize its days again"
        )
    return "merge" if wanted.keys() != there.keys() else None


def _said(kind: object) -> str:
    return str(kind).removeprefix("PrimitiveType(").removesuffix(")")
