"""Every statement in `sql/` opens with what it selects, reads and takes as parameters, as a parser sees them."""

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from rl_assets.core import sql

STATEMENTS = sorted(
    str(path.relative_to(sql.FOLDER).with_suffix(""))
    for path in sql.FOLDER.rglob("*.sql")
    if path.parent.name != "macros"
)
CANONICAL = {"interactions", "feedback", "rejected_records", "ingested_files"}
HEADER = re.compile(r"\A(?:-- .+\n)+-- Reads: (?P<reads>.+)\.\n-- Parameters: (?P<parameters>.+)\.\n(?!--)")


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """All JSON objects of DuckDB's syntax tree."""
    if isinstance(tree, dict):
        yield tree
    for child in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from nodes(child)


def parsed(statement: str) -> list[dict[str, Any]]:
    ((tree,),) = duckdb.execute("SELECT json_serialize_sql($statement)", {"statement": statement}).fetchall()
    return list(nodes(json.loads(tree)))


def tables(statement: str) -> set[str]:
    """The tables and views that a statement reads, without its common table expressions."""
    found = parsed(statement)
    named = {entry["key"] for node in found for entry in node.get("cte_map", {}).get("map", ())}
    return {node["table_name"] for node in found if node.get("type") == "BASE_TABLE"} - named


def parameters(statement: str) -> set[str]:
    return {f"${node['identifier']}" for node in parsed(statement) if node.get("type") == "VALUE_PARAMETER"}


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_header_names_what_the_statement_reads_and_its_parameters(name: str):
    statement = sql.text(name)
    header = HEADER.match(statement)
    assert header, f"sql/{name}.sql does not open with a description, Reads and Parameters"
    assert header["reads"] == ", ".join(sorted(tables(statement)))
    assert header["parameters"] == (", ".join(sorted(parameters(statement))) or "none")


def test_the_parser_tells_tables_from_common_table_expressions():
    statement = (
        "WITH a AS (SELECT x FROM b) SELECT x, (SELECT max(y) FROM c WHERE y < $limit) FROM a SEMI JOIN d USING (x)"
    )
    assert (tables(statement), parameters(statement)) == ({"b", "c", "d"}, {"$limit"})


def test_every_file_of_macros_is_loaded():
    assert sorted(sql.MACROS + sql.MACROS_OF_LINES) == sorted(
        path.stem for path in (sql.FOLDER / "macros").glob("*.sql")
    )


def test_macros_of_lines_are_used_by_formats_and_ingest_only():
    """Connections of other stages do without them."""
    of_lines = "\n".join(sql.text(f"macros/{name}") for name in sql.MACROS_OF_LINES)
    called = re.compile(rf"\b({'|'.join(re.findall(r'MACRO ([a-z_]+)', of_lines))})\(")
    users = {name for name in STATEMENTS if called.search(sql.text(name))}
    assert users and {name.split("/")[0] for name in users} == {"formats", "ingest"}


def test_every_statement_is_run_by_the_package():
    code = "\n".join(path.read_text(encoding="utf-8") for path in sql.PACKAGE.rglob("*.py"))
    named = set(re.findall(r"""["']([a-z_/]+)["']""", code))
    assert [name for name in STATEMENTS if name not in named and not assembled(name)] == []


def assembled(name: str) -> bool:
    """Whether the package puts the statement's name together from a folder and a table, a method or a format."""
    folder, _, last = name.rpartition("/")
    return (
        folder == "formats"
        or (folder.startswith("datasets/") and last in {"selected", "rows"})
        or (folder in {"ingest", "features"} and last.removeprefix("clean_") in CANONICAL)
    )
