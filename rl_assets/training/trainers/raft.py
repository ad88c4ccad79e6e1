"""RAFT: supervised fine-tuning on the best answer of each group (Dong et al. 2023, arXiv:2304.06767).

Simplified: the answers are logged ones and ranked once; the paper samples new ones from the policy in each round.
"""

from typing import Any

from rl_assets.training.runner.run import Trained, TrainingRun
from rl_assets.training.trainers.offline_data import train_on_offline_data
from rl_assets.training.trainers.offline_trainer import build_offline_trainer


def train_raft(run: TrainingRun) -> Trained:
    """Continue the parent on the best answers, which all count alike."""
    return train_on_offline_data(run, build_raft_trainer, lambda advantage: 1.0, best_only=True)


def build_raft_trainer(
    model: Any, arguments: dict[str, Any], rows: list[dict[str, Any]], tokenizer: Any, recipe: Any
) -> Any:
    """TRL's supervised trainer as it is."""
    return build_offline_trainer(model, arguments, rows, tokenizer)
