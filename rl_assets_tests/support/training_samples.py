"""Published dataset folders as training reads them, made from the parts desk's traffic."""

import json
from collections.abc import Iterable
from datetime import date
from itertools import permutations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rl_assets.core.files import sha256_json, sha256_text
from rl_assets.models.tiny.pretraining import TinySpec
from rl_assets.quickstart.parts_traffic import parts_log
from rl_assets.recipes.recipe import Recipe
from rl_assets.recipes.stages import DpoRecipe, GrpoRecipe, KtoRecipe, LoraRecipe, PpoRecipe, RewardRecipe, SftRecipe
from rl_assets_tests.support.dataset_samples import write_dataset_manifest

DAY = "2026-10-14"
SMALL = TinySpec(hidden=64, intermediate=128, layers=2, steps=40, warmup_steps=4)
SEGMENT = "parts-manual"
# The smallest model, barely trained.
# Values of a recipe's grpo stage that make online training short.
ONLINE = {
    "method": "online_grpo",
    "num_generations": 4,
    "max_steps": 6,
    # Long enough for some answers to be too long, which tells them apart.
    "max_completion_length": 48,
    "reward_funcs": ["exact_answer", "brevity"],
    "entropy_coef": 0.01,
}


def chat(question: str, answer: str | None = None) -> list[dict[str, str]]:
    turns = [{"role": "user", "content": question}]
    return turns if answer is None else [*turns, {"role": "assistant", "content": answer}]


def sft_row(question: str, answer: str, segment: str | None = SEGMENT, reward: float = 1.0) -> dict[str, Any]:
    return {"messages": chat(question, answer), "metadata": {"segment": segment, "reward": reward}}


def dpo_row(question: str, chosen: str, rejected: str, segment: str | None = SEGMENT) -> dict[str, Any]:
    return {
        "prompt": chat(question),
        "chosen": chat("", chosen)[1:],
        "rejected": chat("", rejected)[1:],
        "metadata": {"segment": segment, "margin": 0.2},
    }


def group_row(question: str, *answers: tuple[str, float], segment: str | None = SEGMENT) -> dict[str, Any]:
    return {
        "prompt": chat(question),
        "responses": [
            {"text": text, "reward": reward, "interaction_id": f"{question} {place}"}
            for place, (text, reward) in enumerate(answers)
        ],
        "metadata": {"segment": segment, "sd": 0.2},
    }


def kto_row(question: str, answer: str, label: bool, segment: str | None = SEGMENT) -> dict[str, Any]:
    return {
        "prompt": chat(question),
        "completion": chat("", answer)[1:],
        "label": label,
        "metadata": {"segment": segment, "interaction_id": f"{question} {answer}"},
    }


def few_steps() -> Recipe:
    """A recipe of a few steps for the smallest model."""
    return Recipe(
        name="few_steps",
        segment=SEGMENT,
        max_length=128,
        min_rows_sft=20,
        min_rows_dpo=20,
        min_rows_kto=20,
        min_rows_grpo=20,
        min_rows_ppo=20,
        min_rows_reward=20,
        lora=LoraRecipe(r=4, lora_alpha=8, lora_dropout=0.05),
        sft=SftRecipe(learning_rate=2e-3, effective_batch_size=8, max_steps=12, save_steps=3),
        dpo=DpoRecipe(
            learning_rate=1e-3, effective_batch_size=8, max_steps=8, save_steps=2, loss_type=("sigmoid", "sft")
        ),
        kto=KtoRecipe(learning_rate=1e-3, effective_batch_size=8, max_steps=6, save_steps=2),
        grpo=GrpoRecipe(learning_rate=1e-3, effective_batch_size=8, max_steps=6, save_steps=2),
        ppo=PpoRecipe(
            learning_rate=1e-3,
            critic_learning_rate=3e-3,
            effective_batch_size=8,
            rollouts=3,
            rollout_size=16,
            max_completion_length=40,
            reward_funcs=("exact_answer", "brevity"),
        ),
        reward=RewardRecipe(learning_rate=2e-3, effective_batch_size=16, max_steps=30, save_steps=10),
    )


def publish(
    folder: Path,
    name: str,
    train: list[Any],
    test: Iterable[Any] = (),
    day: str = DAY,
    validation: Iterable[Any] = (),
) -> Path:
    """Write a dataset folder with its manifest, and these rows in its splits."""
    folder.mkdir(parents=True)
    schema = pa.Table.from_pylist(train).schema
    rows = {"train": train, "validation": list(validation), "test": list(test)}
    for split, content in rows.items():
        pq.write_table(pa.Table.from_pylist(content, schema), folder / f"{split}.parquet")
    counts = {split: len(content) for split, content in rows.items()}
    write_dataset_manifest(folder, counts, name=name, day=day, sha256=sha256_json(rows))
    return folder


def parts_rows(seed: int = 0) -> dict[str, list[Any]]:
    """All SFT and DPO rows of the parts desk: best answer a prompt; up to two pairs a compared prompt."""
    asked = answers_by_question(seed)
    rows: dict[str, list[Any]] = {"sft": [], "dpo": []}
    for question, answers in sorted(asked.items()):
        reward, best = max(answers)
        if reward >= 0.8:
            rows["sft"].append(sft_row(question, best, reward=reward))
        pairs = sorted({(c[0] - r[0], c[1], r[1]) for c, r in permutations(answers, 2) if c[0] - r[0] > 0.19})
        rows["dpo"] += [dpo_row(question, chosen, rejected) for _, chosen, rejected in pairs[-2:]]
    return rows


def answers_by_question(seed: int = 0) -> dict[str, list[tuple[float, str]]]:
    """(reward, text) of every answer of the parts desk, by question."""
    log = parts_log([date.fromisoformat(DAY)], seed)
    rewards = {row["interaction_id"]: row["reward"] for row in log.rewards}
    asked: dict[str, list[tuple[float, str]]] = {}
    for row in log.interactions:
        asked.setdefault(row["query"], []).append((rewards[row["interaction_id"]], row["answer"]))
    return asked


def parts_groups(seed: int = 0) -> list[Any]:
    """Groups of different answers to one question, those with signal alone."""
    return [
        group_row(question, *((text, reward) for reward, text in sorted(set(answers), reverse=True)))
        for question, answers in sorted(answers_by_question(seed).items())
        if len({reward for reward, _ in answers}) > 1
    ]


def parts_verdicts(seed: int = 0) -> list[Any]:
    """The best and the worst answer to each question with signal, as good and bad."""
    return [
        kto_row(question, text, label)
        for question, answers in sorted(answers_by_question(seed).items())
        if len({reward for reward, _ in answers}) > 1
        for label, (_, text) in ((True, max(answers)), (False, min(answers)))
    ]


def split_by_prompt(rows: list[Any]) -> tuple[list[Any], list[Any]]:
    """(train, held out): one prompt in twenty is held out, by the hash of its text."""
    held = [int(sha256_text(_question(row))[:8], 16) % 20 == 0 for row in rows]
    train = [row for row, out in zip(rows, held, strict=True) if not out]
    return train, [row for row, out in zip(rows, held, strict=True) if out]


def publish_few(folder: Path, kind: str, most: int | None = None) -> Path:
    """A small `<kind>_dataset` in `folder`, for a barely trained model, with at most so many training rows."""
    train, held_out = _few_rows(kind)
    # Of answers of one's own, the metric of the task is measured on prompts held out.
    validation = [row for row in parts_groups()[1::8] if row["responses"][0]["reward"] >= 0.8] if kind == "grpo" else []
    return publish(folder / f"{kind}_dataset" / DAY, f"{kind}_dataset", train[:most], held_out, validation=validation)


def _few_rows(kind: str) -> tuple[list[Any], list[Any]]:
    if kind == "grpo":
        return parts_groups()[::8], []
    if kind == "kto":
        return parts_verdicts()[::7], []
    if kind == "reward":
        train, held_out = split_by_prompt(parts_rows()["dpo"])
        return train[::3], held_out
    return parts_rows()[kind][:: 30 if kind == "sft" else 12], []


def _question(row: dict[str, Any]) -> str:
    return json.dumps(row.get("prompt") or row["messages"][:-1])
