"""What must hold of rows, as data: a name, a sentence, and SQL over the table `rows` that counts what does not.

The facts are counted in SQL on every row; Great Expectations states what they must be (see audit.py).
"""

from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from rl_assets.datasets.lengths import MAX_TOKENS, tokens
from rl_assets.datasets.privacy import find_personal_rows

ROLES = "array_to_string(list_transform({}, lambda message: coalesce(message.role, '?')), ' ')"
BLANK = "len(list_filter({}, lambda message: is_blank(message.content))) > 0"
DAMAGED = "coalesce(len(list_filter({}, lambda message: contains(message.{}, chr(65533)))), 0) > 0"


@dataclass(frozen=True)
class Expectation:
    """A fact about a dataset (one SQL value over `rows`) and the range it must lie in; `bad_row` finds samples.

    `prepare` leaves on the connection what the fact reads besides `rows`.
    """

    name: str
    sentence: str
    fact: str
    low: float | None = None
    high: float | None = None
    blocking: bool = True
    bad_row: str | None = None
    prepare: Callable[[duckdb.DuckDBPyConnection], None] | None = None


def no_row(name: str, sentence: str, bad_row: str, *, blocking: bool = True) -> Expectation:
    """Expect that no row meets the SQL condition `bad_row`; a condition that is NULL counts as met."""
    condition = f"coalesce({bad_row}, true)"
    return Expectation(name, sentence, f"count(*) FILTER ({condition})", high=0, blocking=blocking, bad_row=condition)


def no_repeat(name: str, sentence: str, key: str) -> Expectation:
    """Expect that no two rows share the SQL value `key`."""
    repeated = f"{key} IN (SELECT {key} FROM rows GROUP BY ALL HAVING count(*) > 1)"
    return Expectation(name, sentence, f"count(*) - count(DISTINCT {key})", high=0, bad_row=repeated)


SPLITS = no_row(
    "splits_follow_prompt_keys",
    "Every row lies in the split of its prompt's cluster, so no prompt nor one nearly the same is in two splits of any "
    "datasets.",
    "split <> split_of(metadata.cluster_key) OR prompt_key <> metadata.prompt_key",
)
CLEAN = Expectation(
    "no_personal_data_is_left",
    "No text holds an e-mail or IP address, a telephone or card number, an IBAN, a key or a token.",
    "count(*) FILTER (rowid IN (SELECT row FROM personal_rows))",
    high=0,
    bad_row="rowid IN (SELECT row FROM personal_rows)",
    prepare=find_personal_rows,
)
ENOUGH = Expectation("at_least_100_rows", "There are 100 rows or more.", "count(*)", low=100, blocking=False)


def readable(*texts: str) -> Expectation:
    """`texts` are SQL lists of messages."""
    return no_row(
        "texts_hold_no_replacement_characters",
        "No text holds U+FFFD, the trace of a wrong decoding.",
        " OR ".join(DAMAGED.format(text, "text" if text == "responses" else "content") for text in texts),
        blocking=False,
    )


def short(kind: str) -> Expectation:
    long = f"{tokens(kind)} > {MAX_TOKENS}"
    return Expectation(
        "few_rows_are_long",
        f"At most 5 % of the rows have more than {MAX_TOKENS} tokens, estimated from characters.",
        f"coalesce(avg(CAST({long} AS INTEGER)), 0)",
        high=0.05,
        blocking=False,
        bad_row=long,
    )


ACCOUNTED = Expectation(
    "every_answer_is_accounted_for",
    "Every answer of the window stands in a row or has the one reason why it does not.",
    "(SELECT count(*) FROM fates WHERE (fates.rows > 0) <> (reason IS NULL))",
    high=0,
)
BALANCED = Expectation(
    "no_category_dominates",
    "No category has more than 80 % of the rows.",
    "coalesce((SELECT max(n) / sum(n) FROM (SELECT count(*) AS n FROM rows GROUP BY metadata.category)), 0)",
    high=0.8,
    blocking=False,
)
PROMPTS = no_row(
    "prompts_alternate_and_end_with_user",
    "Every prompt is an optional system turn, then user and assistant in turns, and ends with the user.",
    f"NOT is_chat_prompt({ROLES.format('prompt')}) OR {BLANK.format('prompt')}",
)
