"""How the tools that exports are for read a file: their own loaders, in a process of its own.

    python -m rl_assets_tests.support.tools_that_train <tool> <file> [<folder of a tokenizer>]

The tools pin other versions of what this project uses, so they are not installed: their wheels lie unpacked on the
path. What they import for other kinds of data (audio) is empty here. Prints a JSON list of what was read.
"""

import json
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import yaml

Rows = list[dict[str, Any]]


def rows_of(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


def llamafactory(path: Path, _: str) -> Rows:
    """What LLaMA-Factory makes of the file, by the entry of `dataset_info.json` in its folder."""
    from datasets import load_dataset

    sys.modules["torchaudio"] = ModuleType("torchaudio")
    sys.modules["torchaudio"].__spec__ = ModuleSpec("torchaudio", None)
    from llamafactory.data.converter import align_dataset
    from llamafactory.data.parser import get_dataset_list

    (described,) = get_dataset_list([path.stem], str(path.parent))
    rows = load_dataset("json", data_files=str(path), split=described.split, cache_dir=str(path.parent / "cache"))
    settings = SimpleNamespace(streaming=True, media_dir="", preprocessing_num_workers=None, overwrite_cache=True)
    return list(align_dataset(rows, described, settings, None))


def axolotl(path: Path, tokenizer_folder: str) -> Rows:
    """What axolotl trains on, by the configuration that lies beside the file."""
    from axolotl.utils.dict import DictDefault
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    written = yaml.safe_load(path.with_name(f"{path.stem}.axolotl.yaml").read_text(encoding="utf-8"))
    settings = DictDefault({"sequence_len": 2048, "train_on_inputs": False, **written})
    readers = {"chat_template": _supervised, "chat_template.default": _pairs, "chat_template.argilla": _odds_ratio}
    readers |= {"chatml.argilla": _rated, "bradley_terry.chat_template": _reward}
    read = readers[written["datasets"][0]["type"]]
    return [read(tokenizer, settings, written["datasets"][0], row) for row in rows_of(path)]


def _supervised(tokenizer: Any, settings: Any, described: Any, row: Any) -> dict[str, Any]:
    from axolotl.prompt_strategies.chat_template import load

    tokens = load(tokenizer, settings, described).tokenize_prompt(row)
    trained = [token for token in tokens["labels"] if token != -100]
    return {"trained": tokenizer.decode(trained), "whole": tokenizer.decode(tokens["input_ids"])}


def _pairs(tokenizer: Any, settings: Any, described: Any, row: Any) -> dict[str, Any]:
    from axolotl.prompt_strategies.dpo.chat_template import default

    transform, _ = default(settings)
    return dict(transform(row, tokenizer=tokenizer))


def _odds_ratio(tokenizer: Any, settings: Any, described: Any, row: Any) -> dict[str, Any]:
    from axolotl.prompt_strategies.orpo.chat_template import load

    tokens = load(tokenizer, settings, described).tokenize_prompt(row)
    sides = {"chosen": "labels", "rejected": "rejected_labels"}
    return {
        side: tokenizer.decode([token for token in tokens[labels] if token != -100]) for side, labels in sides.items()
    }


def _rated(tokenizer: Any, settings: Any, described: Any, row: Any) -> dict[str, Any]:
    from axolotl.prompt_strategies.kto.chatml import argilla

    return dict(argilla(settings)(row))


def _reward(tokenizer: Any, settings: Any, described: Any, row: Any) -> dict[str, Any]:
    from axolotl.prompt_strategies.bradley_terry.chat_template import load

    tokens = load(tokenizer, settings, described).tokenize_prompt(dict(row))
    return {side: tokenizer.decode(tokens[f"{side}_ids"]) for side in ("chosen", "rejected")}


def argilla(path: Path, _: str) -> Rows:
    """The records that Argilla's SDK makes, each with what its settings know of it."""
    import argilla as rg

    # Settings ask for a client when they are made; no server is called.
    rg.Argilla._default_client = MagicMock()
    settings = rg.Settings.from_json(path.with_name(f"{path.stem}.settings.json"))
    settings.validate()
    records = [rg.Record.from_dict(row) for row in json.loads(path.read_text(encoding="utf-8"))]
    questions = {question.name: [*question.labels] for question in settings.questions if hasattr(question, "labels")}
    return [
        {
            "fields": record.fields.to_dict(),
            "suggestions": {each.question_name: each.value for each in record.suggestions},
            "known_fields": [each.name for each in settings.fields],
            "questions": questions,
        }
        for record in records
    ]


def main() -> None:
    tool, path, *tokenizer = sys.argv[1:]
    read = {"llamafactory": llamafactory, "axolotl": axolotl, "argilla": argilla}[tool]
    print(json.dumps(read(Path(path), *tokenizer or [""]), default=str))


if __name__ == "__main__":
    main()
