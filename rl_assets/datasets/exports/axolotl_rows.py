"""Forms of axolotl's trainings that read one question: orpo, kto and reward models.

orpo {system, chosen: [question, answer], rejected: [question, answer]}, kto {system, instruction, completion, label},
bradley_terry {system, input, chosen, rejected}. Axolotl reads the first question and answer only, so that conversations
of several turns are dropped. Schemas: its docs/rlhf.qmd (ORPO chat_template.argilla, KTO chatml.argilla) and
docs/reward_modelling.qmd.
"""

from rl_assets.datasets.exports.rows import Convert, Row, answer_of, conversation_of, for_pairs, pair_of, prompt_of


def odds_ratio_pair(row: Row) -> Row:
    """A pair with its question on both sides."""
    conversation = conversation_of(prompt_of(row))
    question = {"role": "user", "content": conversation.question}
    chosen, rejected = ([question, {"role": "assistant", "content": text}] for text in pair_of(row))
    return {"system": conversation.system, "chosen": chosen, "rejected": rejected}


def rated_completion(row: Row) -> Row:
    """A rated answer."""
    conversation = conversation_of(prompt_of(row))
    question = {"system": conversation.system, "instruction": conversation.question}
    return {**question, "completion": answer_of(row), "label": row["label"]}


def reward_pair(row: Row) -> Row:
    """A pair of a reward model."""
    conversation = conversation_of(prompt_of(row))
    better, worse = pair_of(row)
    return {"system": conversation.system, "input": conversation.question, "chosen": better, "rejected": worse}


CHAT = {"chat_template": "tokenizer_default"}
ORPO: dict[str, Convert] = for_pairs(odds_ratio_pair)
ORPO_SETTINGS = (
    {"rl": "orpo", "orpo_alpha": 0.1, "remove_unused_columns": False, **CHAT},
    {"type": "chat_template.argilla"},
)
KTO: dict[str, Convert] = {"kto_dataset": rated_completion}
# The chat format is chosen by name: llama3.argilla for models of that family.
KTO_SETTINGS = ({"rl": "kto", "remove_unused_columns": False}, {"type": "chatml.argilla"})
BRADLEY_TERRY: dict[str, Convert] = for_pairs(reward_pair)
BRADLEY_TERRY_SETTINGS = (
    {"reward_model": True, "model_type": "AutoModelForSequenceClassification", "num_labels": 1, **CHAT},
    {"type": "bradley_terry.chat_template"},
)
