"""A table of the lake as a value: its columns, what identifies a row's content, and how it is partitioned."""

from dataclasses import dataclass

import pyarrow as pa

TIME = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class Table:
    """A lake table: its Arrow schema, the columns whose values identify a row's content, and its partition column.

    Values of the columns named in `distinct` hardly repeat: they are stored without looking for those that do.
    `erasure_spreads`: a row that goes because it names an erased user erases its `interaction_id` too, since rows of
    other tables that name the interaction may name no user.
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
