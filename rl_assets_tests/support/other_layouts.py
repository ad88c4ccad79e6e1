"""A small base that ends its answers, the same weights under other tokenizers and templates, and evaluations of it."""

import json
import shutil
from pathlib import Path
from typing import Any

from rl_assets.evaluation.run.evaluate import Evaluation, evaluate
from rl_assets.evaluation.run.inputs import EvalInputs
from rl_assets.evaluation.run.models import EvaluatedModels
from rl_assets.models.base_models import BaseModel, ensure_base_model
from rl_assets.models.tiny.pretraining import TinySpec, build_tiny_model
from rl_assets_tests.support.evaluation_folders import dataset, dpo_row, sft_row
from rl_assets_tests.support.evaluation_samples import DAY, random_adapter


def chat(question: str, answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


QUESTIONS = [f"Which colour has the rotor in drawer {number}?" for number in range(6)]
ANSWERS = [f"red {number}" for number in range(6)]
# So that the tokenizer has a token for each run of blanks, as those of real models have.
BLANKS = chat("\n\n\nx\n  x", "red 0")
FEW_STEPS = TinySpec(
    vocabulary=340,
    hidden=32,
    intermediate=64,
    layers=1,
    heads=2,
    steps=60,
    batch=6,
    learning_rate=1e-2,
    warmup_steps=2,
    positions=256,
)


def answering_base(folder: Path) -> BaseModel:
    """A base that has learned to answer the questions in two words and to stop."""
    folder.mkdir()
    known = [*(chat(*both) for both in zip(QUESTIONS, ANSWERS, strict=True)), BLANKS]
    build_tiny_model(FEW_STEPS, folder, lambda _: None, known * FEW_STEPS.steps)
    return ensure_base_model(str(folder), folder.parent, print)


def relaid(base: BaseModel, folder: Path, template: str | None = None, **files: dict[str, Any]) -> BaseModel:
    """The same weights with that chat template, and these changes of tokenizer_config or generation_config."""
    shutil.copytree(base.path, folder)
    for name, changes in files.items():
        file = folder / f"{name}.json"
        file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | changes), encoding="utf-8")
    if template:
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    return ensure_base_model(str(folder), folder.parent, print)


def evaluation_of(base: BaseModel, home: Path, answers: list[str] = ANSWERS, log: Any = print) -> Evaluation:
    """Of a random adapter of that base, on the six questions with those references, and on two pairs."""
    rows = [sft_row(f"k{n}", question, answers[n]) for n, question in enumerate(QUESTIONS)]
    pairs = [dpo_row(f"k{n}", QUESTIONS[n], answers[n], "I do not know") for n in range(2)]
    inputs = EvalInputs(
        sft_folder=dataset(home / "sft_dataset", test=rows),
        dpo_folder=dataset(home / "dpo_dataset", test=pairs),
        segment="parts",
    )
    adapter = random_adapter(base, home / "adapters" / "sft" / "aaaa", "sft", seed=1)
    return evaluate(DAY, EvaluatedModels(base, adapter), inputs, log)
