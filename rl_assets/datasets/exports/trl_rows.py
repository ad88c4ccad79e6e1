"""Forms of TRL and of instruction files: {prompt, completion}, {instruction, input, output}, {prompt, answer}.

The datasets themselves are in TRL's conversational types already: TRL opens their folders. Schema: TRL's page "Dataset
formats and types".
"""

from rl_assets.datasets.exports.rows import CannotExportError, Row
from rl_assets.metrics.final_number import final_number
from rl_assets.metrics.verifiers import Verifier, inferred


def prompt_completion(row: Row) -> Row:
    """{prompt, completion}: the conversation and its last answer, each as a list of messages."""
    *prompt, answer = row["messages"]
    return {"prompt": prompt, "completion": [answer]}


def instruction(row: Row) -> Row:
    """{instruction, input, output} of one question and answer; with a system turn, that is the instruction.

    Raises CannotExportError for a conversation of several turns, which this form has no place for.
    """
    *prompt, answer = row["messages"]
    if [message["role"] for message in prompt] not in (["user"], ["system", "user"]):
        raise CannotExportError("has several turns")
    *system, user = (message["content"] for message in prompt)
    question = {"instruction": system[0], "input": user} if system else {"instruction": user, "input": ""}
    return {**question, "output": answer["content"]}


def verifiable(row: Row) -> Row:
    """{prompt, answer}: what all answers state that a verifier scored as right: the number at the end of worked
    solutions, else the text itself.

    Raises CannotExportError if no verifier scored the group, no answer is right, or the right ones do not agree.
    """
    if row["metadata"]["scorer"] != "verifier":
        raise CannotExportError("was not scored by a verifier")
    right = [answer["text"].strip() for answer in row["responses"] if answer["reward"] >= 1 - 1e-9]
    if not right:
        raise CannotExportError("has no right answer")
    finals = {_final_answer(text, inferred(right)) for text in right}
    if len(finals) > 1:
        raise CannotExportError("has right answers that do not agree")
    return {"prompt": row["prompt"], "answer": finals.pop()}


def _final_answer(text: str, verifier: Verifier | None) -> str:
    number = final_number(text) if verifier == "numeric" else None
    return text if number is None else f"{number.normalize():f}"
