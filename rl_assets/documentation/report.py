"""The multimodal report: base and adapter answer the held-out questions about documentation; metrics, gate, files."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from rl_assets.core.files import write_atomically, write_json
from rl_assets.documentation.gate import Gate, gate
from rl_assets.documentation.metrics import SENTENCES, Asked, image_metrics
from rl_assets.metrics.statistics import Interval, median_interval
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.encoding import context_length, prompt_ids
from rl_assets.models.generation import generate
from rl_assets.models.latency import side_by_side
from rl_assets.models.loading import free_memory, load_for_inference
from rl_assets.models.runtime import start
from rl_assets.rewards.image_answers import parse_answer

Log = Callable[[str], None]
MAX_NEW_TOKENS = 384


@dataclass(frozen=True)
class ImageReport:
    """Metrics of each model by name, the gate of the last, and questions left out for their length.

    `latency` is the median ratio of the last model's request times to the base's, both writing as many tokens.
    """

    day: str
    questions: int
    left_out: int
    models: dict[str, dict[str, Interval]]
    tokens_per_answer: dict[str, float]
    seconds_per_answer: dict[str, float]
    latency: Interval | None
    gate: Gate


def evaluate_images(
    day: str, dataset: Path, base: BaseModel, adapters: Mapping[str, Adapter], log: Log, room: int = MAX_NEW_TOKENS
) -> ImageReport:
    """Ask the test questions of a published SFT dataset; `adapters` are named, and the last one is the candidate.

    `room` is the most new tokens of an answer. Questions that leave no room in the model's context are left out.
    """
    start(offline=True, seed=0)
    rows = pq.read_table(dataset / "test.parquet").to_pylist()
    fitting: list[dict[str, Any]] | None = None
    models: dict[str, dict[str, Interval]] = {}
    tokens: dict[str, float] = {}
    seconds: dict[str, float] = {}
    for name, adapter in {"base": None, **adapters}.items():
        model, tokenizer = load_for_inference(base, adapter)
        fitting = _fitting(rows, model, tokenizer, room) if fitting is None else fitting
        found = generate(model, tokenizer, [row["messages"][:-1] for row in fitting], room, log)
        models[name] = image_metrics([_asked(row, a.text) for row, a in zip(fitting, found.answers, strict=True)])
        tokens[name] = sum(answer.tokens for answer in found.answers) / max(1, len(fitting))
        seconds[name] = found.seconds / max(1, len(fitting))
        del model
        free_memory()
    asked = fitting or []
    latency = _latency(base, [*adapters.values()][-1], asked, room)
    verdict = gate(models[[*models][-1]], latency)
    return ImageReport(day, len(asked), len(rows) - len(asked), models, tokens, seconds, latency, verdict)


def _fitting(rows: list[dict[str, Any]], model: Any, tokenizer: Any, room: int) -> list[dict[str, Any]]:
    """The rows whose question leaves room for an answer in the model's context."""
    context = context_length(model)
    return [row for row in rows if len(prompt_ids(tokenizer, row["messages"][:-1])) + room <= context]


def _latency(base: BaseModel, candidate: Adapter, rows: list[dict[str, Any]], room: int) -> Interval | None:
    """Median ratio of request times, candidate to base, in turns; None without a question."""
    if not rows:
        return None
    ours, theirs = load_for_inference(base, candidate), load_for_inference(base, None)
    ratios = side_by_side(ours, theirs, [row["messages"][:-1] for row in rows], room, equal_work=True)
    return median_interval(ratios)


def _asked(row: dict[str, Any], answer: str) -> Asked:
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
    tokens = " | ".join(f"{report.tokens_per_answer[name]:.0f}" for name in names)
    seconds = " | ".join(f"{report.seconds_per_answer[name]:.3f}" for name in names)
    table += [f"| tokens an answer | {tokens} | |", f"| seconds an answer | {seconds} | in batches |"]
    asked = f"{report.questions} held-out questions, {report.left_out} too long for the model."
    lines = [f"# Images in answers, {report.day}", "", f"{report.gate.verdict}: {report.gate.reason}.", "", asked, ""]
    return "\n".join([*lines, *header, *table, "", _speed(report), ""])


def _speed(report: ImageReport) -> str:
    if report.latency is None:
        return "The time of a request was not measured."
    spread = f" [{report.latency.low:.2f}, {report.latency.high:.2f}]" if report.latency.low is not None else ""
    return f"A request takes {report.latency.mean:.2f}{spread} times as long as the base model's, token for token."


def _figure(found: Interval | None) -> str:
    if found is None:
        return "-"
    spread = "" if found.low is None or found.high is None else f" [{found.low:.2f}, {found.high:.2f}]"
    return f"{found.mean:.2f}{spread} n={found.n}"
