"""What must hold of each dataset, as data: a name, a sentence, and SQL over the table `rows` that counts what does not.

The facts are counted in SQL on every row; Great Expectations states what they must be (see audit.py).
"""

from dataclasses import dataclass

ROLES = "array_to_string(list_transform({}, lambda message: coalesce(message.role, '?')), ' ')"
BLANK = "len(list_filter({}, lambda message: stripped(coalesce(message.content, '')) = '')) > 0"


@dataclass(frozen=True)
class Expectation:
    """A fact about a dataset (one SQL value over `rows`) and the range it must lie in; `bad_row` finds samples."""

    name: str
    sentence: str
    fact: str
    low: float | None = None
    high: float | None = None
    blocking: bool = True
    bad_row: str | None = None


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
    "Every row lies in the split of its prompt key, so no prompt is in two splits of any datasets.",
    "split <> split_of(prompt_key) OR prompt_key <> metadata.prompt_key",
)
ENOUGH = Expectation("at_least_100_rows", "There are 100 rows or more.", "count(*)", low=100, blocking=False)
READABLE = no_row(
    "texts_hold_no_replacement_characters",
    "No text holds U+FFFD, the trace of a wrong decoding.",
    "contains(CAST(to_json(rows) AS VARCHAR), chr(65533))",
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
    ENOUGH,
    READABLE,
    Expectation(
        "no_agent_dominates",
        "No agent gave more than 80 % of the answers.",
        "coalesce((SELECT max(n) / sum(n) FROM (SELECT count(*) AS n FROM rows GROUP BY metadata.agent)), 0)",
        high=0.8,
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
        "sha256(concat_ws(chr(31), prompt_key, chosen[1].content, rejected[1].content))",
    ),
    no_row(
        "chosen_is_rated_higher",
        "Where both answers have rewards, the chosen one's is higher.",
        "metadata.strategy <> 'explicit' AND NOT coalesce(metadata.margin > 0, false)",
    ),
    SPLITS,
    ENOUGH,
    READABLE,
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
    ENOUGH,
    READABLE,
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
        "sha256(concat_ws(chr(31), prompt_key, stripped(completion[1].content)))",
    ),
    no_row("rewards_are_shares", "Every reward lies in [0, 1].", "metadata.reward NOT BETWEEN 0 AND 1"),
    SPLITS,
    ENOUGH,
    READABLE,
    Expectation(
        "both_labels_are_there",
        "The rarer of good and bad has 5 % of the rows or more.",
        "coalesce(least(avg(CAST(label AS INTEGER)), 1 - avg(CAST(label AS INTEGER))), 0)",
        low=0.05,
        blocking=False,
    ),
)
