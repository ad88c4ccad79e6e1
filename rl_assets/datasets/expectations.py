"""What must hold of each dataset, as data: a name, a sentence, and SQL over the table `rows` that counts what does not.

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


def _readable(*texts: str) -> Expectation:
    """`texts` are SQL lists of messages."""
    return no_row(
        "texts_hold_no_replacement_characters",
        "No text holds U+FFFD, the trace of a wrong decoding.",
        " OR ".join(DAMAGED.format(text, "text" if text == "responses" else "content") for text in texts),
        blocking=False,
    )


def _short(kind: str) -> Expectation:
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

SFT = (
    no_row(
        "messages_alternate_and_end_with_assistant",
        "Every row is an optional system turn, then user and assistant in turns, and ends with the assistant.",
        f"NOT is_chat_prompt(regexp_replace({ROLES.format('messages')}, ' assistant$', '')) "
        "OR messages[-1].role <> 'assistant'",
    ),
    no_row("no_message_is_empty", "No message is empty or whitespace.", BLANK.format("messages")),
    no_repeat("prompts_are_unique", "There is one row a prompt.", "prompt_key"),
    no_row("rewards_are_shares", "Every reward lies in [0, 1].", "metadata.reward NOT BETWEEN 0 AND 1"),
    SPLITS,
    CLEAN,
    ENOUGH,
    _readable("messages"),
    _short("messages"),
    ACCOUNTED,
    BALANCED,
    Expectation(
        "no_agent_dominates",
        "No agent gave more than 80 % of the answers.",
        "coalesce((SELECT max(n) / sum(n) FROM (SELECT count(*) AS n FROM rows GROUP BY metadata.agent)), 0)",
        high=0.8,
        blocking=False,
    ),
    Expectation(
        "no_agent_repeats_itself",
        "No agent with 20 rows or more gave one answer in over half of them: a constant answer can please a judge.",
        "coalesce((SELECT max(n / total) FROM (SELECT count(*) AS n, "
        "sum(count(*)) OVER (PARTITION BY metadata.agent) AS total "
        "FROM rows GROUP BY metadata.agent, hash(messages[-1].content)) WHERE total >= 20), 0)",
        high=0.5,
        blocking=False,
    ),
)

DPO = (
    PROMPTS,
    no_row(
        "sides_are_one_answer",
        "The chosen and the rejected side are one assistant message each, and neither is empty.",
        f"{ROLES.format('chosen')} <> 'assistant' OR {ROLES.format('rejected')} <> 'assistant' "
        f"OR {BLANK.format('chosen')} OR {BLANK.format('rejected')}",
    ),
    no_row(
        "sides_differ",
        "No pair has the same text on both sides.",
        "stripped(chosen[1].content) = stripped(rejected[1].content)",
    ),
    no_repeat(
        "pairs_are_unique",
        "No pair stands twice.",
        "hash(prompt_key, chosen[1].content, rejected[1].content)",
    ),
    no_row(
        "chosen_is_rated_higher",
        "Where both answers have rewards, the chosen one's is higher.",
        "metadata.strategy <> 'explicit' AND NOT coalesce(metadata.margin > 0, false)",
    ),
    SPLITS,
    CLEAN,
    ENOUGH,
    _readable("prompt", "chosen", "rejected"),
    _short("pair"),
    ACCOUNTED,
    BALANCED,
    Expectation(
        "longer_is_not_simply_better",
        "The longer answer is the chosen one in at most 65 % of the pairs.",
        "coalesce(avg(CAST(length(chosen[1].content) > length(rejected[1].content) AS INTEGER)), 0)",
        high=0.65,
        blocking=False,
    ),
)

GRPO = (
    PROMPTS,
    no_row("groups_have_two_answers", "Every group has two answers or more.", "len(responses) < 2"),
    no_row(
        "answers_of_a_group_differ",
        "No text stands twice in a group.",
        "len(list_distinct(list_transform(responses, lambda answer: answer.text))) < len(responses)",
    ),
    no_row("groups_carry_signal", "The rewards of every group differ.", "metadata.sd <= 0"),
    no_row(
        "rewards_are_shares",
        "Every reward lies in [0, 1].",
        "len(list_filter(responses, lambda answer: answer.reward BETWEEN 0 AND 1)) < len(responses)",
    ),
    SPLITS,
    CLEAN,
    ENOUGH,
    _readable("prompt", "responses"),
    _short("group"),
    ACCOUNTED,
    BALANCED,
)

REWARD = DPO

KTO = (
    PROMPTS,
    no_row(
        "completions_are_one_answer",
        "Every completion is one assistant message and not empty.",
        f"{ROLES.format('completion')} <> 'assistant' OR {BLANK.format('completion')}",
    ),
    no_row("every_row_has_a_label", "Every answer is labelled good or bad.", "label IS NULL"),
    no_repeat(
        "answers_are_unique",
        "No answer to a prompt stands twice, whether with one label or with both.",
        "hash(prompt_key, stripped(completion[1].content))",
    ),
    no_row("rewards_are_shares", "Every reward lies in [0, 1].", "metadata.reward NOT BETWEEN 0 AND 1"),
    SPLITS,
    CLEAN,
    ENOUGH,
    _readable("prompt", "completion"),
    _short("answer"),
    ACCOUNTED,
    BALANCED,
    Expectation(
        "both_labels_are_there",
        "The rarer of good and bad has 5 % of the rows or more.",
        "coalesce(least(avg(CAST(label AS INTEGER)), 1 - avg(CAST(label AS INTEGER))), 0)",
        low=0.05,
        blocking=False,
    ),
)
