"""The multimodal report: base and adapters answer the held-out questions about documentation; metrics, gate, files."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pydantic

from rl_assets.core.files import write_atomically, write_json
from rl_assets.documentation.metrics import DESCRIPTIONS, AnsweredQuestion, GateResult, image_metrics, quality_gate
from rl_assets.documentation.word_overlap import word_overlap
from rl_assets.metrics.statistics import Interval, median_interval
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.chat_template import row_fault
from rl_assets.models.encoding import context_length, prompt_ids
from rl_assets.models.generation import generate
from rl_assets.models.latency import paired_latency_ratios
from rl_assets.models.loading import chat_rules_of, quantization_of
from rl_assets.models.memory import explain_out_of_memory
from rl_assets.models.runtime import start
from rl_assets.models.switching import SwitchedModels
from rl_assets.rewards.image_answers import parse_answer

Log = Callable[[str], None]
Row = dict[str, Any]
MAX_NEW_TOKENS = 384


class ModelScores(pydantic.BaseModel):
    """Metrics of one model by name, the cost of its answers, generated in batches, and the share that was cut off."""

    model_config = pydantic.ConfigDict(frozen=True)

    metrics: dict[str, Interval]
    tokens_per_answer: float
    seconds_per_answer: float
    unfinished: float = 0.0


class ImageReport(pydantic.BaseModel):
    """Scores of each model, the gate's verdict on the last, and the number of questions that were dropped.

    `latency` is the median ratio of the last model's request times to the base's, both writing the same number of
    tokens. `word_overlap` is the share of questions that need an image in which shared words alone find the right one.
    """

    model_config = pydantic.ConfigDict(frozen=True)

    day: str
    questions: int
    too_long: int
    refused: int = 0
    models: dict[str, ModelScores]
    latency: Interval | None
    gate: GateResult
    word_overlap: Interval | None = None

    @property
    def candidate(self) -> ModelScores:
        """The model that the gate decides on: the last."""
        return [*self.models.values()][-1]


def evaluate_images(
    day: str,
    dataset: Path,
    base: BaseModel,
    adapters: Mapping[str, Adapter],
    log: Log,
    max_new_tokens: int = MAX_NEW_TOKENS,
) -> ImageReport:
    """Generate answers to the test questions of a published SFT dataset; the last of `adapters` is the candidate.

    Questions that the chat template does not serve, or that leave fewer than `max_new_tokens` in the model's context,
    are dropped. The base is in memory once, quantized as in the candidate's training. Raises DeviceMemoryError if it,
    or a single question, does not fit.
    """
    start(offline=True, seed=0)
    rows = pq.read_table(dataset / "test.parquet").to_pylist()
    candidate = [*adapters.values()][-1]
    with explain_out_of_memory(f"The evaluation of {base.name}"):
        loaded = SwitchedModels(base, quantization_of(candidate), log, chat_rules_of(candidate))
        served = [row for row in rows if row_fault(loaded.tokenizer, row["messages"][:-1], []) is None]
        fitting, refused = _fitting_rows(served, loaded, max_new_tokens), len(rows) - len(served)
        models = {
            name: _score(loaded.switch_to(adapter), loaded.tokenizer, fitting, max_new_tokens, log)
            for name, adapter in {"base": None, **adapters}.items()
        }
        latency = _latency(loaded, candidate, fitting, max_new_tokens, log)
    gate = quality_gate([*models.values()][-1].metrics, latency)
    too_long = len(rows) - len(fitting) - refused
    return ImageReport(
        day=day,
        questions=len(fitting),
        too_long=too_long,
        refused=refused,
        models=models,
        latency=latency,
        gate=gate,
        word_overlap=word_overlap(fitting),
    )


def _fitting_rows(rows: Sequence[Row], loaded: SwitchedModels, max_new_tokens: int) -> list[Row]:
    """The rows whose question leaves room for an answer in the model's context."""
    context = context_length(loaded.model)
    prompts = ((row, prompt_ids(loaded.tokenizer, row["messages"][:-1])) for row in rows)
    return [row for row, ids in prompts if len(ids) + max_new_tokens <= context]


def _score(model: Any, tokenizer: Any, rows: Sequence[Row], max_new_tokens: int, log: Log) -> ModelScores:
    generation = generate(model, tokenizer, [row["messages"][:-1] for row in rows], max_new_tokens, log)
    answered = [_answered(row, answer.text) for row, answer in zip(rows, generation.answers, strict=True)]
    return ModelScores(
        metrics=image_metrics(answered),
        tokens_per_answer=sum(answer.tokens for answer in generation.answers) / max(1, len(rows)),
        seconds_per_answer=generation.seconds / max(1, len(rows)),
        unfinished=sum(not answer.finished for answer in generation.answers) / max(1, len(rows)),
    )


def _answered(row: Row, answer: str) -> AnsweredQuestion:
    gold_text = parse_answer(row["messages"][-1]["content"]).text
    page = row["metadata"]["prompt_key"]
    return AnsweredQuestion(page, tuple(row["gold_images"]), tuple(row["catalogue"]), gold_text, answer)


def _latency(
    loaded: SwitchedModels, candidate: Adapter, rows: Sequence[Row], max_new_tokens: int, log: Log
) -> Interval | None:
    """Median ratio of request times, candidate to base, in turns; None without a question."""
    if not rows:
        return None
    ours, theirs = partial(loaded.as_served, candidate), partial(loaded.base_at_the_cost_of, candidate)
    prompts = [row["messages"][:-1] for row in rows]
    ratios = paired_latency_ratios(ours, theirs, loaded.tokenizer, prompts, max_new_tokens, equal_work=True, log=log)
    return median_interval(ratios)


def write_image_report(report: ImageReport, folder: Path) -> None:
    """`multimodal.json` and `multimodal.md` in the day's report folder."""
    write_json(folder / "multimodal.json", report.model_dump(mode="json"))
    write_atomically(folder / "multimodal.md", as_markdown(report))


def as_markdown(report: ImageReport) -> str:
    """The report as a page with one table."""
    rows = [
        [metric, *(_value(scores.metrics.get(metric)) for scores in report.models.values()), description]
        for metric, description in DESCRIPTIONS.items()
    ]
    rows.append(["tokens per answer", *(f"{scores.tokens_per_answer:.0f}" for scores in report.models.values()), ""])
    seconds = [f"{scores.seconds_per_answer:.3f}" for scores in report.models.values()]
    rows.append(["seconds per answer", *seconds, "in batches"])
    cut = [f"{scores.unfinished:.0%}" for scores in report.models.values()]
    rows.append(["unfinished answers", *cut, "cut off at the limit of new tokens, the same for all models"])
    lines = [
        f"# Images in answers, {report.day}",
        "",
        f"{report.gate.verdict}: {report.gate.reason}.",
        "",
        f"{report.questions} held-out questions, {report.too_long} too long for the model"
        f"{f', {report.refused} that its chat template does not serve' if report.refused else ''}.",
        "",
        f"| metric | {' | '.join(report.models)} | |",
        f"|---|{'---|' * len(report.models)}---|",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
        _overlap_sentence(report.word_overlap),
        "",
        _latency_sentence(report.latency),
        "",
    ]
    return "\n".join(lines)


def _overlap_sentence(share: Interval | None) -> str:
    if share is None:
        return "No held-out question needs an image."
    return (
        f"Without a model, the image whose name and description share most words with the text is the right one in "
        f"{_value(share)} of the questions that need an image: what `inclusion` has to beat."
    )


def _latency_sentence(latency: Interval | None) -> str:
    if latency is None:
        return "The time of a request was not measured."
    spread = f" [{latency.low:.2f}, {latency.high:.2f}]" if latency.low is not None else ""
    return f"A request takes {latency.mean:.2f}{spread} times as long as the base model's, for equally many tokens."


def _value(metric: Interval | None) -> str:
    if metric is None:
        return "-"
    spread = "" if metric.low is None or metric.high is None else f" [{metric.low:.2f}, {metric.high:.2f}]"
    return f"{metric.mean:.2f}{spread} n={metric.n}"
