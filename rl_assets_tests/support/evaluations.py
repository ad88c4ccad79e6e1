"""Real evaluations of barely trained models."""

from pathlib import Path
from typing import Any

from rl_assets.evaluation.run.evaluate import Evaluation, RunningEpoch, evaluate
from rl_assets.evaluation.run.inputs import EvalInputs
from rl_assets.evaluation.run.models import EvaluatedModels
from rl_assets.evaluation.schema.report import EvalReport
from rl_assets.llm.client import Judge
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets_tests.support.evaluation_folders import parts_datasets
from rl_assets_tests.support.evaluation_samples import DAY


def evaluated(
    home: Path,
    base: BaseModel,
    candidate: Adapter,
    parent: Adapter | None,
    champion: Adapter | None,
    *,
    items: int = 6,
    judge: Judge | None = None,
    **inputs: Any,
) -> tuple[EvalReport, list[str]]:
    found, lines = evaluation(home, EvaluatedModels(base, candidate, parent, champion), items, judge, **inputs)
    return found.report, lines


def evaluation(
    home: Path,
    models: EvaluatedModels,
    items: int,
    judge: Judge | None = None,
    epoch: RunningEpoch | None = None,
    **inputs: Any,
) -> tuple[Evaluation, list[str]]:
    sft, dpo = parts_datasets(home, items)
    lines: list[str] = []
    given = EvalInputs(sft_folder=sft, dpo_folder=dpo, segment="parts", **inputs)
    return evaluate(DAY, models, given, lines.append, judge, judge_pairs=4, epoch=epoch or RunningEpoch()), lines
