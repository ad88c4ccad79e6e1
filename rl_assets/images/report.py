"""The multimodal report: base and adapter answer the held-out questions about documentation; metrics, gate, files."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from rl_assets.evaluation.encoding import context_length, prompt_ids
from rl_assets.evaluation.generation import generate
from rl_assets.evaluation.model_scores import free_memory
from rl_assets.evaluation.statistics import Interval
from rl_assets.files import write_atomically, write_json
from rl_assets.images.metrics import SENTENCES, Asked, Gate, gate, image_metrics
from rl_assets.training.adapters import Adapter
from rl_assets.training.base_models import BaseModel
from rl_assets.training.loading import load_for_inference
from rl_assets.training.runtime import start

Log = Callable[[str], None]
MAX_NEW_TOKENS = 384


@dataclass(frozen=True)
class ImageReport:
    """Metrics of each model by name, the gate of the last, and questions left out for their length."""

    day: str
    questions: int
    left_out: int
    models: dict[str, dict[str, Interval]]
    seconds_per_answer: dict[str, float]
    gate: Gate


def evaluate_images(
    day: str, dataset: Path, base: BaseModel, adapters: Mapping[str, Adapter], log: Log, room: int = MAX_NEW_TOKENS
) -> ImageReport:
    """Ask the test questions of a published SFT dataset; `adapters` are named, and the last one is the candidate.

    `room` is the most new tokens of an answer. Questions that leave no room in the model's context are left out.
    """
    start(offline=True, seed=0)
    rows = pq.read_table(dataset / "test.parquet").to_pylist()
    models: dict[str, dict[str, Interval]] = {}
    seconds: dict[str, float] = {}
    fitting: list[dict[str, Any]] = rows
    for name, adapter in {"base": None, **adapters}.items():
        model, tokenizer = load_for_inference(base, adapter)
        context = context_length(model)
        fitting = [row for row in rows if len(prompt_ids(tokenizer, row["messages"][:-1])) + room <= context]
        found = generate(model, tokenizer, [row["messages"][:-1] for row in fitting], room, log)
        models[name] = image_metrics([_asked(row, a.text) for row, a in zip(fitting, found.answers, strict=True)])
        seconds[name] = found.seconds / max(1, len(fitting))
        del model
        free_memory()
    return ImageReport(day, len(fitting), len(rows) - len(fitting), models, seconds, gate(models[[*models][-1]]))


def _asked(row: dict[str, Any], answer: str) -> Asked:
    from rl_assets.rewards.image_answers import parse_answer

    gold_text = parse_answer(row["messages"][-1]["content"]).text
    page = row["metadata"]["prompt_key"]
    return Asked(page, tuple(row["gold_images"]), tuple(row["catalogue"]), gold_text, answer)


def write_image_report(report: ImageReport, folder: Path) -> None:
    """`multimodal.json` and `multimodal.md` in the day's report folder."""
    write_json(folder / "multimodal.json", asdict(report))
    write_atomically(folder / "multimodal.md", as_markdown(report))


def as_markdown(report: ImageReport) -> str:
    """The report as a page with one table."""
    names = list(report.models)
    header = [f"| metric | {' | '.join(names)} | |", f"|---|{'---|' * len(names)}---|"]
    table = [
        f"| {metric} | {' | '.join(_figure(report.models[name].get(metric)) for name in names)} | {sentence} |"
        for metric, sentence in SENTENCES.items()
    ]
    speed = " | ".join(f"{report.seconds_per_answer[name]:.3f} s" for name in names)
    asked = f"{report.questions} held-out questions, {report.left_out} too long for the model."
    lines = [f"# Images in answers, {report.day}", "", f"{report.gate.verdict}: {report.gate.reason}.", "", asked, ""]
    return "\n".join([*lines, *header, *table, f"| seconds an answer | {speed} | in batches |", ""])


def _figure(found: Interval | None) -> str:
    if found is None:
        return "-"
    spread = "" if found.low is None or found.high is None else f" [{found.low:.2f}, {found.high:.2f}]"
    return f"{found.mean:.2f}{spread} n={found.n}"
