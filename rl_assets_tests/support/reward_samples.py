"""Reward models that were not trained: planted ones have no weights that load, random ones score."""

from pathlib import Path
from typing import Any

from rl_assets.core.home import Home
from rl_assets.evaluation.run.reward_models import RewardModels
from rl_assets.models.adapters import SECOND_REWARD_MODEL, WEIGHTS, Adapter, publish
from rl_assets.models.base_models import BaseModel
from rl_assets_tests.support.adapter_samples import sample_manifest
from rl_assets_tests.support.evaluation_samples import DAY

GOOD = {
    "pairs": 200.0,
    "accuracy": 0.75,
    "accuracy_low": 0.69,
    "longer_wins": 0.55,
    "gain_over_length": 0.2,
    "gain_low": 0.1,
}


def publish_reward_model(
    folder: Path, base: tuple[str, str], half: str | None = "first", day: str = DAY, **changes: Any
) -> Adapter:
    """The folder with its weights as a complete reward model that knows enough, but for the changes."""
    pairs = {"name": "reward_dataset", "day": DAY, "sha256": "d" * 64, "used": 80, "dropped": {}, "cut": 0}
    content = {"seed": 1 if half == "second" else 0, "held_out": GOOD, "dataset": pairs} | changes
    return publish(
        folder,
        sample_manifest(
            kind="reward",
            day=day,
            base={"name": base[0], "sha256": base[1]},
            recipe={"reward": {"half": half}},
            **content,
        ),
    )


def planted_reward_model(
    home: Home, name: str, half: str | None = "first", base: str = "b" * 64, **changes: Any
) -> Adapter:
    """A reward model where its asset puts it, whose weights are its name."""
    folder = home.adapters(SECOND_REWARD_MODEL if half == "second" else None) / "reward" / name
    folder.mkdir(parents=True)
    (folder / WEIGHTS).write_bytes(name.encode())
    return publish_reward_model(folder, ("tiny", base), half, **changes)


def random_reward_model(home: Home, base: BaseModel, half: str, seed: int, day: str = DAY) -> Adapter:
    """A reward model with small random weights, where its asset puts it."""
    import torch
    from peft import LoraConfig, get_peft_model

    from rl_assets.models.reward_scoring import load_classifier

    folder = home.adapters(SECOND_REWARD_MODEL if half == "second" else None) / "reward" / f"{half}{seed}"
    torch.manual_seed(seed)
    model = load_classifier(base)
    config = LoraConfig(r=4, target_modules="all-linear", task_type="SEQ_CLS", init_lora_weights=False)
    get_peft_model(model, config).save_pretrained(folder)
    return publish_reward_model(folder, (base.name, base.sha256), half, day)


def both(home: Home, base: str = "b" * 64, **changes: Any) -> RewardModels:
    """Two planted reward models that may decide; the changes are those of the first."""
    return RewardModels(
        planted_reward_model(home, "one", base=base, **changes), planted_reward_model(home, "two", "second", base), base
    )
