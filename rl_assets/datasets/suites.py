"""What must hold of each dataset before it is published."""

from rl_assets.datasets.expectations import (
    ACCOUNTED,
    BALANCED,
    BLANK,
    CLEAN,
    ENOUGH,
    NO_ANSWER,
    PROMPTS,
    ROLES,
    SHORT,
    SPLITS,
    Expectation,
    no_majority,
    no_repeat,
    no_row,
    readable,
    sources_of,
)
from rl_assets.datasets.near_answers import few_alike
from rl_assets.datasets.near_prompts import NO_LEAKS

SFT = (
    no_row(
        "messages_alternate_and_end_with_assistant",
        "Every row is an optional system turn, then user and assistant in turns, and ends with the assistant.",
        f"NOT is_chat_prompt(regexp_replace({ROLES.format('messages')}, ' assistant$', '')) "
        "OR messages[-1].role <> 'assistant'",
    ),
    no_row(
        "no_message_is_empty",
        "No message is empty or whitespace, and no answer has thoughts alone.",
        f"{BLANK.format('messages')} OR is_empty_answer(messages[-1].content)",
    ),
    no_repeat("prompts_are_unique", "There is one row per prompt.", "prompt_key"),
    no_row("rewards_are_shares", "Every reward lies in [0, 1].", "metadata.reward NOT BETWEEN 0 AND 1"),
    SPLITS,
    NO_LEAKS,
    CLEAN,
    ENOUGH,
    readable("messages"),
    SHORT,
    ACCOUNTED,
    BALANCED,
    *sources_of("metadata.reward_source"),
    few_alike("messages[-1].content"),
    no_majority("no_agent_dominates", "No agent gave more than 80 % of the answers.", "metadata.agent"),
    Expectation(
        "no_agent_repeats_itself",
        "No agent with 20 rows or more gave one answer in over half of them: a constant answer can please a judge.",
        "coalesce((SELECT max(n / total) FROM (SELECT count(*) AS n, "
        "sum(count(*)) OVER (PARTITION BY agent) AS total "
        "FROM noted GROUP BY agent, answer) WHERE total >= 20), 0)",
        high=0.5,
        blocking=False,
        notes={"agent": "metadata.agent", "answer": "hash(messages[-1].content)"},
    ),
)

DPO = (
    PROMPTS,
    no_row(
        "sides_are_one_answer",
        "The chosen and the rejected side are one assistant message each, and neither is empty.",
        f"{NO_ANSWER.format('chosen')} OR {NO_ANSWER.format('rejected')}",
    ),
    no_row(
        "sides_differ",
        "No pair has the same text on both sides.",
        # Texts that begin with two different letters differ: that decides most pairs.
        "CASE WHEN is_inner(chosen[1].content) AND is_inner(rejected[1].content) "
        "AND unicode(chosen[1].content) <> unicode(rejected[1].content) THEN false "
        "ELSE stripped(chosen[1].content) = stripped(rejected[1].content) END",
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
    NO_LEAKS,
    CLEAN,
    ENOUGH,
    readable("prompt", "chosen", "rejected"),
    SHORT,
    ACCOUNTED,
    BALANCED,
    *sources_of("metadata.reward_source"),
    Expectation(
        "longer_is_not_simply_better",
        "The longer answer is the chosen one in at most 65 % of the pairs.",
        "coalesce(avg(CAST(longer_is_chosen AS INTEGER)), 0)",
        high=0.65,
        blocking=False,
        notes={"longer_is_chosen": "length(chosen[1].content) > length(rejected[1].content)"},
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
    NO_LEAKS,
    CLEAN,
    ENOUGH,
    readable("prompt", "responses"),
    SHORT,
    ACCOUNTED,
    BALANCED,
    *sources_of("metadata.scorer"),
    few_alike("responses[1].text"),  # The best answer of the group; the others may well be like it.
)

REWARD = DPO

KTO = (
    PROMPTS,
    no_row(
        "completions_are_one_answer",
        "Every completion is one assistant message and not empty.",
        NO_ANSWER.format("completion"),
    ),
    no_row("every_row_has_a_label", "Every answer is labelled good or bad.", "label IS NULL"),
    no_repeat(
        "answers_are_unique",
        "No answer to a prompt stands twice, whether with one label or with both.",
        "hash(prompt_key, stripped(completion[1].content))",
    ),
    no_row("rewards_are_shares", "Every reward lies in [0, 1].", "metadata.reward NOT BETWEEN 0 AND 1"),
    SPLITS,
    NO_LEAKS,
    CLEAN,
    ENOUGH,
    readable("prompt", "completion"),
    SHORT,
    ACCOUNTED,
    BALANCED,
    *sources_of("metadata.reward_source"),
    few_alike("completion[1].content"),
    Expectation(
        "both_labels_are_there",
        "The rarer of good and bad has 5 % of the rows or more.",
        "coalesce(least(avg(CAST(label AS INTEGER)), 1 - avg(CAST(label AS INTEGER))), 0)",
        low=0.05,
        blocking=False,
        notes={"label": "label"},
    ),
)
