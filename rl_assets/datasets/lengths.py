"""How long rows are, in tokens estimated from characters: what fits a model is known before a tokenizer is loaded."""

import duckdb

CHARACTERS_PER_TOKEN = 4  # The usual rule of thumb for English text and byte-pair vocabularies of 30,000 and more.
MAX_TOKENS = 2048
CHARACTERS = "coalesce(list_sum(list_transform({}, lambda part: length(part.content))), 0)"
ANSWER = "coalesce(length({}[1].content), 0)"  # A side is one message; to sum over lists takes several times as long.
MAX_ANSWER = "coalesce(list_max(list_transform({}, lambda part: length(part.text))), 0)"
ROW = {
    "messages": CHARACTERS.format("messages"),
    "pair": f"{CHARACTERS.format('prompt')} + greatest({ANSWER.format('chosen')}, {ANSWER.format('rejected')})",
    "answer": f"{CHARACTERS.format('prompt')} + {ANSWER.format('completion')}",
    "group": f"{CHARACTERS.format('prompt')} + {MAX_ANSWER.format('responses')}",
}
PARTS = '"content" STRUCT'  # Messages whose content is a list of parts, not a text.
KINDS = {"messages": "messages", "chosen": "pair", "completion": "answer", "responses": "group"}


TOTALS = f"""
SELECT sum(tokens) AS total, min(tokens) AS min, quantile_disc(tokens, 0.5) AS p50, quantile_disc(tokens, 0.95) AS p95,
    max(tokens) AS max, avg(CAST(tokens > {MAX_TOKENS} AS INTEGER)) AS over_{MAX_TOKENS}
FROM noted
"""


def tokens(kind: str) -> str:
    """SQL of the estimated tokens of a row, of a pair or group those of its longest side."""
    return f"ceil(({ROW[kind]}) / {CHARACTERS_PER_TOKEN})"


def kind_of(rows: duckdb.DuckDBPyRelation) -> str | None:
    """What the rows' lengths are those of; None if they have no answers, or answers of parts: an image's tokens
    depend on the model.
    """
    columns = {name for name, kind in zip(rows.columns, rows.types, strict=True) if PARTS not in str(kind)}
    return next((kind for column, kind in KINDS.items() if column in columns), None)


def token_estimates(connection: duckdb.DuckDBPyConnection) -> dict[str, float | None]:
    """Totals and spread of the column `tokens` of the table `noted`; null if it has no rows, empty if it has no
    such column.
    """
    if "tokens" not in connection.table("noted").columns:
        return {}
    return {f"tokens_{name}": value for name, value in connection.sql(TOTALS).to_arrow_table().to_pylist()[0].items()}
