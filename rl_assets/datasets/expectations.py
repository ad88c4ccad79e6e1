"""What must hold of rows, as data: a name, a sentence, what to note of every row, and SQL that counts in these notes.

The facts are counted in SQL on every row; Great Expectations states what they must be (see audit.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import duckdb
import pyarrow as pa

from rl_assets.core.detectors import Detectors
from rl_assets.datasets.lengths import MAX_TOKENS
from rl_assets.datasets.privacy import personal_rows

SIDES = ("chosen", "rejected", "completion")
ROLES = "array_to_string(list_transform({}, lambda message: coalesce(message.role, '?')), ' ')"
BLANK = "len(list_filter({}, lambda message: is_blank(message.content))) > 0"
# Of a side, which is one message: filtering a list takes several times as long.
NO_ANSWER = "len({0}) <> 1 OR {0}[1].role IS DISTINCT FROM 'assistant' OR is_empty_answer({0}[1].content)"


@dataclass(frozen=True)
class Expectation:
    """A fact about a dataset and the range it must lie in.

    `notes` are named SQL values of a row, and `arrays` functions that give one value per row where SQL cannot. They
    become columns of the table `noted`, alongside `row` (the row's position) and, if rows have answers, `tokens`.
    `fact` is one SQL value over that table, and `bad_row` a condition on it that finds samples. `prepare` leaves on the
    connection what these read besides.
    """

    name: str
    sentence: str
    fact: str
    low: float | None = None
    high: float | None = None
    blocking: bool = True
    bad_row: str | None = None
    notes: dict[str, str] = field(default_factory=dict)
    arrays: dict[str, Callable[[pa.Table], pa.Array]] = field(default_factory=dict)
    prepare: Callable[[duckdb.DuckDBPyConnection], None] | None = None


def no_row(name: str, sentence: str, bad_row: str, *, blocking: bool = True) -> Expectation:
    """Expect that no row meets the SQL condition `bad_row`; a condition that is NULL counts as met."""
    notes = {name: f"coalesce({bad_row}, true)"}
    return Expectation(
        name, sentence, f"count(*) FILTER ({name})", high=0, blocking=blocking, bad_row=name, notes=notes
    )


def no_repeat(name: str, sentence: str, key: str) -> Expectation:
    """Expect that no two rows share the SQL value `key`."""
    repeated = f"{name} IN (SELECT {name} FROM noted GROUP BY ALL HAVING count(*) > 1)"
    fact = f"count(*) - count(DISTINCT {name})"
    return Expectation(name, sentence, fact, high=0, bad_row=repeated, notes={name: key})


def no_majority(name: str, sentence: str, value: str) -> Expectation:
    """Warn where over 80 % of the rows share the SQL value `value`; rows without one share nothing."""
    counts = f"SELECT {name} AS shared, count(*) AS n FROM noted GROUP BY {name}"
    fact = f"coalesce((SELECT max(n) FILTER (shared IS NOT NULL) / sum(n) FROM ({counts})), 0)"
    return Expectation(name, sentence, fact, high=0.8, blocking=False, notes={name: value})


SPLITS = no_row(
    "splits_follow_prompt_keys",
    "Every row lies in the split of its prompt's cluster, so no prompt nor one nearly the same is in two splits of any "
    "datasets.",
    "split <> split_of(metadata.cluster_key) OR prompt_key <> metadata.prompt_key",
)
CLEAN = Expectation(
    "no_personal_data_is_left",
    "No text and no id or name in `metadata` holds an e-mail or IP address, a telephone, card or social security "
    "number, an IBAN, a key, a token, or what detectors of your own find.",
    "count(*) FILTER (no_personal_data_is_left)",
    high=0,
    bad_row="no_personal_data_is_left",
    arrays={"no_personal_data_is_left": personal_rows},
)


def with_detectors(suite: Sequence[Expectation], detectors: Detectors) -> list[Expectation]:
    """The suite, whose check for personal data asks the detectors, too."""
    check = partial(personal_rows, detectors=detectors)
    return [replace(item, arrays={item.name: check}) if item is CLEAN else item for item in suite]


def sources_of(source: str) -> tuple[Expectation, Expectation]:
    """Where synthetic rewards may stand, and how many rows have one; `source` is a row's source of its reward."""
    never_held_out = no_row(
        "held_out_rows_are_not_synthetic",
        "No row of validation or test has a synthetic reward, whatever the policy.",
        f"coalesce({source}, '') = 'synthetic' AND split <> 'train'",
    )
    minority = Expectation(
        "synthetic_rows_are_a_minority",
        "At most half of the rows have synthetic rewards.",
        "coalesce(avg(CAST(coalesce(reward_source, '') = 'synthetic' AS INTEGER)), 0)",
        high=0.5,
        blocking=False,
        notes={"reward_source": source},
    )
    return never_held_out, minority


def rows_by_source(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows of the table `noted` by the source of their rewards; empty if it was not noted."""
    if "reward_source" not in connection.table("noted").columns:
        return {}
    return dict(
        connection.sql(
            "SELECT coalesce(reward_source, 'none') AS source, count(*) FROM noted GROUP BY 1 ORDER BY 1"
        ).fetchall()
    )


ENOUGH = Expectation("at_least_100_rows", "There are 100 rows or more.", "count(*)", low=100, blocking=False)


def readable(*texts: str) -> Expectation:
    """`texts` are columns of messages."""
    return no_row(
        "texts_hold_no_replacement_characters",
        "No text holds U+FFFD, the trace of a wrong decoding.",
        " OR ".join(map(_damaged, texts)),
        blocking=False,
    )


def _damaged(column: str) -> str:
    """SQL that tells whether a text of the column holds U+FFFD."""
    if column in SIDES:
        return f"coalesce(contains({column}[1].content, chr(65533)), false)"
    part = "text" if column == "responses" else "content"
    return f"coalesce(len(list_filter({column}, lambda message: contains(message.{part}, chr(65533)))), 0) > 0"


SHORT = Expectation(
    "few_rows_are_long",
    f"At most 5 % of the rows have more than {MAX_TOKENS} tokens, estimated from characters.",
    f"coalesce(avg(CAST(tokens > {MAX_TOKENS} AS INTEGER)), 0)",
    high=0.05,
    blocking=False,
    bad_row=f"tokens > {MAX_TOKENS}",
)
ACCOUNTED = Expectation(
    "every_answer_is_accounted_for",
    "Every answer of the window stands in a row or has the one reason why it does not.",
    "(SELECT count(*) FROM outcomes WHERE (outcomes.rows > 0) <> (reason IS NULL))",
    high=0,
)
BALANCED = no_majority("no_category_dominates", "No category has more than 80 % of the rows.", "metadata.category")
PROMPTS = no_row(
    "prompts_alternate_and_end_with_user",
    "Every prompt is an optional system turn, then user and assistant in turns, and ends with the user.",
    f"NOT is_chat_prompt({ROLES.format('prompt')}) OR {BLANK.format('prompt')}",
)
