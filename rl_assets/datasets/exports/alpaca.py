"""Alpaca: {instruction, input, output, system} of one question and its answer, for LLaMA-Factory.

Pairs have `chosen` and `rejected` in place of `output`, rated answers a boolean `label` beside it. A conversation of
several turns is dropped: its earlier answers would be trained on. Schema: LLaMA-Factory's data/README.md (alpaca,
`ranking`, `kto_tag`).
"""

from rl_assets.datasets.exports.rows import Convert, Row, answer_of, conversation_of, for_pairs, pair_of, prompt_of

QUESTION = {"prompt": "instruction", "query": "input", "system": "system"}


def answer(row: Row) -> Row:
    """A supervised row."""
    return {**_question(row), "output": answer_of(row)}


def pair(row: Row) -> Row:
    """A pair."""
    better, worse = pair_of(row)
    return {**_question(row), "chosen": better, "rejected": worse}


def labelled(row: Row) -> Row:
    """A rated answer."""
    return {**answer(row), "label": row["label"]}


def _question(row: Row) -> Row:
    conversation = conversation_of(prompt_of(row))
    return {"instruction": conversation.question, "input": "", "system": conversation.system}


CONVERT: dict[str, Convert] = {"sft_dataset": answer, **for_pairs(pair), "kto_dataset": labelled}


def llamafactory(dataset: str) -> Row:
    """The entry of dataset_info.json; every column that is used must be named there."""
    if dataset == "sft_dataset":
        return {"columns": {**QUESTION, "response": "output"}}
    if dataset == "kto_dataset":
        return {"columns": {**QUESTION, "response": "output", "kto_tag": "label"}}
    return {"ranking": True, "columns": {**QUESTION, "chosen": "chosen", "rejected": "rejected"}}
