"""JSON lines for hosted fine-tuning: supervised, preferences (DPO) and graded (reinforcement) files of OpenAI's API.

Supervised {messages}, in which answers before the last have `weight` 0; preferences {input: {messages, tools,
parallel_tool_calls}, preferred_output, non_preferred_output}; graded {messages, reference_answer}, for a grader that
compares with `item.reference_answer`. Schemas: OpenAI's guides "Supervised fine-tuning", "Direct preference
optimization", "Reinforcement fine-tuning", and the fine-tuning reference (chat input, preference input, reinforcement
input). Other hosts read the same files.
"""

from rl_assets.datasets.exports.rows import Convert, Row, answer_of, conversation_of, for_pairs, pair_of, prompt_of
from rl_assets.datasets.exports.trl_rows import verifiable


def supervised(row: Row) -> Row:
    """A conversation with its answer, which alone is trained on."""
    context = [{**turn, "weight": 0} if turn["role"] == "assistant" else turn for turn in _messages(row)]
    return {"messages": [*context, {"role": "assistant", "content": answer_of(row)}]}


def preference(row: Row) -> Row:
    """A pair."""
    better, worse = ([{"role": "assistant", "content": text}] for text in pair_of(row))
    prompt = {"messages": _messages(row), "tools": [], "parallel_tool_calls": True}
    return {"input": prompt, "preferred_output": better, "non_preferred_output": worse}


def graded(row: Row) -> Row:
    """A prompt with the answer that a verifier accepted."""
    return {"messages": _messages(row), "reference_answer": verifiable(row)["answer"]}


def _messages(row: Row) -> list[Row]:
    system, turns = conversation_of(prompt_of(row))
    first = [{"role": "system", "content": system}] if system else []
    return first + [{"role": turn["role"], "content": turn["content"]} for turn in turns]


CONVERT: dict[str, Convert] = {"sft_dataset": supervised, **for_pairs(preference), "grpo_dataset": graded}
