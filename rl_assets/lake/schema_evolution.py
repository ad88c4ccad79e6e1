"""Tables that an earlier version of the project wrote: columns may be added or dropped, but never change their type."""

from typing import Literal

import pyarrow as pa
from deltalake import DeltaTable
from deltalake import Schema as DeltaSchema

from rl_assets.lake.table import Table


class SchemaChangedError(TypeError):
    """A column of a table in the lake has another type than the project writes."""


def schema_mode(delta: DeltaTable | None, table: Table) -> Literal["merge"] | None:
    """How to write `table` into the existing Delta table: `merge` if their columns differ.

    Old rows are null in new columns, and new rows in dropped ones. Raises SchemaChangedError, before anything is
    written, if the type of a common column differs.
    """
    if delta is None:
        return None
    wanted = {field.name: field.type for field in DeltaSchema.from_arrow(table.schema).fields}
    existing = {field.name: field.type for field in delta.schema().fields}
    changed = sorted(name for name in wanted.keys() & existing.keys() if wanted[name] != existing[name])
    if changed:
        name = changed[0]
        raise SchemaChangedError(
            f"{delta.table_uri} holds {', '.join(changed)} in another type ({name}: {_type_name(existing[name])}, "
            f"{_type_name(wanted[name])} is written now): move the table away and materialize its days again"
        )
    return "merge" if wanted.keys() != existing.keys() else None


def schema_to_write(delta: DeltaTable | None, table: Table) -> pa.Schema:
    """The table's schema, in which columns that the Delta table has keep their descriptions: it merges no others."""
    existing = {field.name: field.metadata for field in delta.schema().fields} if delta else {}
    return pa.schema([field.with_metadata(existing.get(field.name, field.metadata)) for field in table.schema])


def _type_name(kind: object) -> str:
    return str(kind).removeprefix("PrimitiveType(").removesuffix(")")
