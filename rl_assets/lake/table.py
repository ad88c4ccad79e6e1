"""A table of the lake as a value: columns, identity and partition."""

from dataclasses import dataclass

import pyarrow as pa

TIME = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class Table:
    """A lake table: its Arrow schema, the columns whose values identify a row's content, and its partition column.

    Values in the `distinct` columns hardly repeat: they are stored without a dictionary. `erasure_spreads`: a row that
    is dropped for its erased user erases its `interaction_id` too, since rows of other tables with that id may not
    name the user.
    """

    name: str
    schema: pa.Schema
    identity: tuple[str, ...]
    partition: str = "day"
    distinct: tuple[str, ...] = ()
    erasure_spreads: bool = False


def column(name: str, kind: pa.DataType, description: str) -> pa.Field:
    """An Arrow field that carries its description."""
    return pa.field(name, kind, metadata={"description": description})
