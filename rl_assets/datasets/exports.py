"""A published dataset in the forms that other tools read, as JSON lines.

    python -m rl_assets.datasets.exports data/datasets/sft_dataset/2026-11-20 --form instruction --out sft.jsonl

Forms of sft_dataset: prompt_completion {prompt, completion}, instruction {instruction, input, output}. Form of
grpo_dataset: verifiable {prompt, answer}, for groups whose right answers, by a verifier, agree.
"""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from pyarrow import parquet

from rl_assets.datasets.split_files import SPLITS
from rl_assets.metrics.final_number import final_number
from rl_assets.metrics.verifiers import Verifier, inferred
from rl_assets.tables.dataset_manifest import read_manifest

Row = dict[str, Any]


class CannotExportError(ValueError):
    """The row does not fit the form; the message is the reason, in words that can be counted."""


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


FORMS: dict[str, tuple[str, Callable[[Row], Row]]] = {
    "prompt_completion": ("sft_dataset", prompt_completion),
    "instruction": ("sft_dataset", instruction),
    "verifiable": ("grpo_dataset", verifiable),
}


def export(folder: Path, form: str, split: str, out: Path) -> tuple[int, dict[str, int]]:
    """Write one split of a published dataset as JSON lines; (rows written, rows dropped by reason).

    Raises ValueError where the folder holds no published dataset, or one that the form is not for.
    """
    dataset, convert = FORMS[form]
    manifest = read_manifest(folder)
    if manifest is None or manifest.name != dataset:
        content = manifest.name if manifest else "no published dataset"
        raise ValueError(
            f"{folder} holds {content}; the form {form} needs {dataset}, a folder like datasets/{dataset}/<day>"
        )
    written, dropped = 0, Counter[str]()
    part = out.with_name(f".{out.name}.{uuid4().hex}")
    try:
        with part.open("w", encoding="utf-8") as file:
            for row in _rows(folder / f"{split}.parquet"):
                try:
                    file.write(json.dumps(convert(row), ensure_ascii=False) + "\n")
                    written += 1
                except CannotExportError as reason:
                    dropped[str(reason)] += 1
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return written, dict(sorted(dropped.items()))


def _rows(path: Path) -> Iterator[Row]:
    for batch in parquet.ParquetFile(path).iter_batches(1_000):
        yield from batch.to_pylist()


def main() -> None:
    """Export from the command line and print what was written and dropped."""
    parser = argparse.ArgumentParser(description="A published dataset in the forms that other tools read.")
    parser.add_argument("folder", type=Path, help="a dataset's folder, .../<name>/<day>")
    parser.add_argument("--form", choices=FORMS, required=True)
    parser.add_argument("--split", choices=SPLITS, default="train")
    parser.add_argument("--out", type=Path, required=True, help="the JSON lines file to write")
    options = parser.parse_args()
    try:
        written, dropped = export(options.folder, options.form, options.split, options.out)
    except ValueError as error:
        parser.error(str(error))
    print(f"{written} rows of {options.split} written to {options.out}")
    for reason, rows in dropped.items():
        print(f"{rows} rows dropped: each {reason}")


if __name__ == "__main__":
    main()
