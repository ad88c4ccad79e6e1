"""The two reward models that may score answers: which ones, and whether they know enough to decide.

They learned from two halves of the pairs, so what misled one of them did not mislead the other. An epoch keeps its
reward model while that exists, whatever was trained since: another one is another metric.
"""

from dataclasses import dataclass
from pathlib import Path

from rl_assets.core.home import Home
from rl_assets.evaluation.schema.primary import Primary
from rl_assets.models.adapters import (
    SECOND_REWARD_MODEL,
    Adapter,
    AdapterManifest,
    is_complete,
    newest_adapter,
    newest_adapter_before,
    read_adapter,
    read_manifest,
)

MIN_ACCURACY = 0.55
TRAIN_BOTH = "set `half: first` in the recipe's `reward`, and materialize reward_model and second_reward_model"


@dataclass(frozen=True)
class RewardModels:
    """The reward model whose scores may decide, and the one that checks it; `base` is the hash of the base in use."""

    first: Adapter | None = None
    second: Adapter | None = None
    base: str = ""

    def problem(self) -> str | None:
        """Why they cannot decide, as the rest of a sentence; None if they can."""
        if self.first is None:
            return f"there is no reward model: {TRAIN_BOTH}"
        return self._fault("the reward model", self.first) or self.problem_of_second()

    def problem_of_second(self) -> str | None:
        """Why nothing checks the reward model; None if the second one does."""
        if self.second is None:
            return f"no second reward model learned from the other half of its pairs: {TRAIN_BOTH}"
        return self._fault("the second reward model", self.second)

    def _fault(self, name: str, adapter: Adapter) -> str | None:
        if adapter.base_sha256 != self.base:
            return f"{name} of {adapter.day} belongs to another base model: materialize it again"
        problem = accuracy_problem(adapter.manifest)
        return f"{name} of {adapter.day} {problem}" if problem else None

    def basis(self) -> str:
        """What the choice rests on, or what is missing."""
        problem = self.problem()
        if problem or self.first is None:
            return problem or ""
        held_out = self.first.manifest.held_out or {}
        return (
            f"the reward model of {self.first.day} is right on {held_out['accuracy']:.2f} of {held_out['pairs']:,.0f} "
            f"held-out pairs (at least {held_out['accuracy_low']:.2f}), {held_out['gain_over_length']:+.2f} against a "
            "preference for length"
        )


NO_REWARD_MODELS = RewardModels()


def accuracy_problem(manifest: AdapterManifest) -> str | None:
    """Why its accuracy on held-out pairs is too low, as the rest of a sentence; None if it is not.

    The lower 95 % bounds count: the accuracy above 0.55, and above that of preferring the longer or the shorter answer.
    """
    held_out = manifest.held_out or {}
    low, gain = held_out.get("accuracy_low"), held_out.get("gain_low")
    if low is None or gain is None:
        return "has no interval of its accuracy on held-out pairs: train it again, on pairs of more prompts"
    if low <= MIN_ACCURACY:
        return f"is right on at least {low:.2f} of the held-out pairs; more than {MIN_ACCURACY} is needed"
    if gain <= 0:
        return (
            f"does not beat a preference for length on held-out pairs: {held_out['gain_over_length']:+.2f}, at least "
            f"{gain:+.2f}"
        )
    return None


def find_reward_models(home: Home, day: str, base: str, epoch: Primary | None) -> RewardModels:
    """The reward models of the running epoch, else the newest ones that `day` or an earlier day used.

    Segments share those of the product. `base` is the hash of the base in use.
    """
    adapters = home.adapters()
    first = (
        _of_epoch(adapters, day, epoch)
        or newest_adapter(adapters, "reward", day)
        or newest_adapter_before(adapters, "reward", day)
    )
    return RewardModels(first, _second(home.adapters(SECOND_REWARD_MODEL), first) if first else None, base)


def _of_epoch(adapters: Path, day: str, epoch: Primary | None) -> Adapter | None:
    """The reward model that decides in the epoch; None if another metric does, or if it is gone."""
    if epoch is None or epoch.metric != "reward_score" or epoch.reward_model is None:
        return None
    folder = adapters / "reward" / epoch.reward_model.inputs_hash
    found = read_adapter(folder) if is_complete(folder) else None
    return found if found and found.sha256 == epoch.reward_model.sha256 and found.day <= day else None


def _second(adapters: Path, first: Adapter) -> Adapter | None:
    """The newest reward model on the other half of the same pairs."""
    folders = [folder for folder in (adapters / "reward").glob("*") if is_complete(folder)]
    others = {folder: read_manifest(folder) for folder in folders}
    checking = [folder for folder, manifest in others.items() if _on_other_half(first.manifest, manifest)]
    newest = max(checking, key=lambda folder: (others[folder].created_at, folder.name), default=None)
    return read_adapter(newest) if newest else None


def _on_other_half(first: AdapterManifest, second: AdapterManifest) -> bool:
    halves = [manifest.recipe.get("reward", {}).get("half") for manifest in (first, second)]
    return halves == ["first", "second"] and first.dataset.sha256 == second.dataset.sha256 and first.seed != second.seed
