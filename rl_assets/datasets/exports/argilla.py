"""Records for Argilla, and the settings of a dataset in which people review them.

A record is {id, fields, metadata, suggestions, responses, vectors}; what is known of an answer is a suggestion, so that
a reviewer sees it and may disagree. The two answers of a pair stand in an order that does not tell which was better.
Schema: the SDK's `Record.to_dict` and `Settings.serialize` (argilla 2), which `dataset.records.from_json` and
`Settings.from_json` read.
"""

from rl_assets.core.files import sha256_json
from rl_assets.datasets.exports.rows import CannotExportError, Convert, Row, answer_of, for_pairs, pair_of, prompt_of

AGENT = "rl_assets"
METADATA = ("segment", "category", "reward_source")
MAX_ANSWERS = 10  # The largest group that grpo_dataset makes.


def rated(row: Row) -> Row:
    """An answer with the suggestion that it is good or bad."""
    fields = {"prompt": _turns(row), "answer": answer_of(row)}
    verdict = "good" if row.get("label", True) else "bad"
    return _record(row, fields, verdict={"value": verdict, "score": None, "agent": AGENT})


def pair(row: Row) -> Row:
    """Two answers with the suggestion which is better."""
    better, worse = pair_of(row)
    answers = sorted((better, worse), key=sha256_json)
    fields = {"prompt": _turns(row), "answer_1": answers[0], "answer_2": answers[1]}
    suggested = f"answer_{answers.index(better) + 1}"
    return _record(row, fields, better={"value": suggested, "score": None, "agent": AGENT})


def group(row: Row) -> Row:
    """Answers with the suggestion which is the best, if one is."""
    responses = row["responses"]
    if len(responses) > MAX_ANSWERS:
        raise CannotExportError(f"has more than {MAX_ANSWERS} answers")
    answers = {f"answer_{number}": response["text"] for number, response in enumerate(responses, start=1)}
    rewards = [response["reward"] for response in responses]
    fields = {"prompt": _turns(row), **answers}
    if rewards.count(max(rewards)) > 1:
        return _record(row, fields)
    best = f"answer_{rewards.index(max(rewards)) + 1}"
    return _record(row, fields, best={"value": best, "score": max(rewards), "agent": AGENT})


def _turns(row: Row) -> list[Row]:
    return [{"role": turn["role"], "content": turn["content"]} for turn in prompt_of(row)]


def _record(row: Row, fields: Row, **suggestions: Row) -> Row:
    known = {name: row["metadata"].get(name) for name in METADATA}
    metadata = {name: value for name, value in known.items() if value is not None}
    rest: Row = {"responses": {}, "vectors": {}}
    return {"id": sha256_json(fields), "fields": fields, "metadata": metadata, "suggestions": suggestions, **rest}


CONVERT: dict[str, Convert] = {
    "sft_dataset": rated,
    **for_pairs(pair),
    "kto_dataset": rated,
    "grpo_dataset": group,
}
LABELS = {
    "verdict": {"good": "Good", "bad": "Bad"},
    "better": {"answer_1": "Answer 1", "answer_2": "Answer 2", "tie": "Neither"},
    "best": {f"answer_{number}": f"Answer {number}" for number in range(1, MAX_ANSWERS + 1)},
}


def settings(dataset: str) -> Row:
    """What `Settings.from_json` reads."""
    question, answers = {
        "sft_dataset": ("verdict", ["answer"]),
        "kto_dataset": ("verdict", ["answer"]),
        "grpo_dataset": ("best", [f"answer_{number}" for number in range(1, MAX_ANSWERS + 1)]),
    }.get(dataset, ("better", ["answer_1", "answer_2"]))
    optional = answers[2:]
    return {
        "guidelines": None,
        "allow_extra_metadata": False,
        "fields": [
            _named("prompt", {"type": "chat", "use_markdown": False}, required=True),
            *(_named(name, {"type": "text", "use_markdown": False}, required=name not in optional) for name in answers),
        ],
        "questions": [
            _named(question, {"type": "label_selection", "options": _options(question)}, required=True),
            _named("correction", {"type": "text", "use_markdown": False}, required=False),
        ],
        "vectors": [],
        "metadata": [
            {"name": name, "title": name, "settings": {"type": "terms"}, "visible_for_annotators": True}
            for name in METADATA
        ],
    }


def _named(name: str, kind: Row, required: bool) -> Row:
    return {"name": name, "title": name.replace("_", " ").capitalize(), "required": required, "settings": kind}


def _options(question: str) -> list[Row]:
    return [{"value": value, "text": text, "description": None} for value, text in LABELS[question].items()]
