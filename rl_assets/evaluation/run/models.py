"""Who is evaluated on a day: the base, the candidate, its parent, the champion, and the day's other adapters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from rl_assets.core.home import Home
from rl_assets.evaluation.online.conversations import Conversation
from rl_assets.evaluation.online.served import NOT_SERVED, Served, served_between
from rl_assets.evaluation.promotion.champion import Champion, champion_adapter, champion_in_use
from rl_assets.evaluation.promotion.epochs import read_primary
from rl_assets.evaluation.run.reward_models import NO_REWARD_MODELS, RewardModels, find_reward_models
from rl_assets.evaluation.schema.report import Role
from rl_assets.models.adapters import (
    Adapter,
    is_complete,
    newest_adapter,
    newest_adapter_before,
    read_adapter,
    read_manifest,
)
from rl_assets.models.base_models import BaseModel
from rl_assets.models.loading import Quantization, chat_rules_of, quantization_of
from rl_assets.models.served_names import HASH_DIGITS
from rl_assets.recipes.chat_template import ChatTemplateRecipe

# Adapters that answer; a reward model scores.
KINDS = ("sft", "dpo", "kto", "grpo", "ppo")


@dataclass(frozen=True)
class EvaluatedModels:
    """The models of an evaluation. Only adapters of `base` are evaluated: no other is comparable as an adapter.

    `entrant` is the adapter of the candidate's kind that an earlier day used: prompts that landed since then are new to
    it, so the decision is about it. `others` are the day's adapters without a role; they answer the same prompts, for
    the A/B report. `reward` are the models that may score answers. `served` are the
    conversations of `canary`, an adapter that users meet, and of the one that it would replace.
    """

    base: BaseModel
    candidate: Adapter
    parent: Adapter | None = None
    champion: Adapter | None = None
    others: tuple[Adapter, ...] = ()
    entrant: Adapter | None = None
    reward: RewardModels = NO_REWARD_MODELS
    served: Served = NOT_SERVED
    canary: Adapter | None = None

    @property
    def quantization(self) -> Quantization | None:
        """How the candidate's training quantized the base: all models answer on it so, and fit where training fits."""
        return quantization_of(self.candidate)

    @property
    def chat_rules(self) -> ChatTemplateRecipe:
        """The rules of the candidate's training: all models answer the prompts that these render."""
        return chat_rules_of(self.candidate)

    @property
    def comparable_champion(self) -> Adapter | None:
        """The champion, if it belongs to this base."""
        return self.champion if self.champion and self.champion.base_sha256 == self.base.sha256 else None

    @property
    def against(self) -> Role:
        """The role that the candidate would replace: the champion, or the base while there is none."""
        return "champion" if self.comparable_champion else "base"

    @property
    def decided(self) -> Role:
        """The role under decision."""
        return "entrant" if self.entrant else "candidate"

    def with_canary(self) -> "EvaluatedModels":
        """The same, with the served adapter under decision."""
        return replace(self, entrant=self.canary) if self.canary else self

    def roles(self) -> dict[Role, Adapter | None]:
        """Every role that is filled, the base first; the base has no adapter."""
        filled: dict[Role, Adapter | None] = {"base": None, "candidate": self.candidate}
        filled |= {"parent": self.parent} if self.parent else {}
        filled |= {"champion": self.comparable_champion} if self.comparable_champion else {}
        return filled | ({"entrant": self.entrant} if self.entrant else {})

    def distinct(self) -> dict[str, Adapter | None]:
        """Every distinct model by its weights' hash, the base first; of adapters with the same weights the first."""
        models: dict[str, Adapter | None] = {}
        for adapter in (*self.roles().values(), *(other for other in self.others if self._comparable(other))):
            models.setdefault(self.weights(adapter), adapter)
        return models

    def _comparable(self, adapter: Adapter) -> bool:
        return adapter.base_sha256 == self.base.sha256

    def weights(self, adapter: Adapter | None) -> str:
        """The hash that identifies a model: of the adapter's weights, or the base's own."""
        return adapter.sha256 if adapter else self.base.sha256

    def weights_compared(self) -> set[str]:
        """The weights under decision, and those that they would replace."""
        roles = self.roles()
        return {self.weights(roles[self.decided]), self.weights(roles[self.against])}

    def has_role(self, adapter: Adapter | None) -> bool:
        """Whether it is one of the compared models, rather than one of the day's others."""
        return self.weights(adapter) in {self.weights(own) for own in self.roles().values()}

    def label(self, adapter: Adapter | None) -> str:
        """The model's name in a table: "dpo 1f3a7c20", or the base's."""
        return f"{adapter.kind} {adapter.inputs_hash[:8]}" if adapter else self.base.name

    def not_evaluated(self) -> list[str]:
        """Adapters of other base models, one sentence each."""
        named = [("The champion", self.champion), *((f"The {other.kind} adapter", other) for other in self.others)]
        return [
            f"{who} {adapter.inputs_hash[:8]} belongs to another base model and was not evaluated."
            for who, adapter in named
            if adapter and not self._comparable(adapter)
        ]


def models_of_day(
    home: Home,
    day: str,
    base: BaseModel,
    kind: str,
    segment: str | None = None,
    conversations: Sequence[Conversation] = (),
) -> EvaluatedModels:
    """The day's models, the adapter of `kind` being the candidate. Raises FileNotFoundError if there is none.

    The adapters are those of `segment` if it is given, and so is the champion, once the segment has one of its own;
    before, it is that of the product. `conversations` are those of the log that drew an arm.
    """
    adapters = list(_adapters(home.adapters(segment), day))
    candidate = next((adapter for adapter in adapters if adapter.kind == kind), None)
    if candidate is None:
        asset = f"{segment}_{kind}_adapter" if segment else f"{kind}_adapter"
        raise FileNotFoundError(f"{day} has no {kind} adapter to evaluate; materialize {asset} first")
    champion = champion_in_use(home, segment, day)
    in_use = champion_adapter(home, champion) if champion else None
    parent = candidate.manifest.parent.sha256 if candidate.manifest.parent else None
    served = served_between(conversations, (segment, kind), _champions(champion), date.fromisoformat(day))
    canary = _named(home.adapters(segment) / kind, served.ours)
    return EvaluatedModels(
        base,
        candidate,
        next((adapter for adapter in adapters if adapter.sha256 == parent), None),
        in_use,
        tuple(adapter for adapter in adapters if adapter.sha256 not in (candidate.sha256, parent)),
        _entrant(home.adapters(segment), kind, day, base, in_use),
        find_reward_models(home, day, base.sha256, read_primary(home.metric_of_epoch(segment))),
        served if canary and canary.base_sha256 == base.sha256 else Served(None, served.theirs),
        canary,
    )


def _champions(champion: Champion | None) -> list[str]:
    """The hashes of the champion's weights and of those before it, the newest first."""
    if champion is None:
        return []
    return [entry.hash for entry in champion.history()] + [entry.hash for entry in champion.rolled_back]


def _named(folder: Path, name: str | None) -> Adapter | None:
    """The adapter of a folder that is served under a name; None if it is gone."""
    for found in sorted(folder.glob("*")) if name else []:
        if is_complete(found) and name and name.endswith(f"-{read_manifest(found).sha256[:HASH_DIGITS]}"):
            return read_adapter(found)
    return None


def _entrant(folder: Path, kind: str, day: str, base: BaseModel, champion: Adapter | None) -> Adapter | None:
    """The newest adapter of an earlier day, unless it is the champion or of another base."""
    found = newest_adapter_before(folder, kind, day)
    if found is None or found.base_sha256 != base.sha256 or (champion and champion.sha256 == found.sha256):
        return None
    return found


def _adapters(folder: Path, day: str) -> Iterator[Adapter]:
    for kind in KINDS:
        adapter = newest_adapter(folder, kind, day)
        if adapter:
            yield adapter
