"""What users may choose for each dataset. Assets show these as launchpad configuration; every default is usable."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

# Best first: of two strategies that give one pair, the earlier in a policy's list names it.
STRATEGIES = ("explicit", "all_margin", "best_worst", "ratings", "mu2s", "judge")
SOURCES = ("human", "verifier", "judge", "synthetic")
# Scores of groups by a judge, which compare inside their group only.
RULER = "ruler"
PRESETS = {"conservative": 0.9, "balanced": 0.8, "aggressive": 0.7}


class Policy(BaseModel):
    """What a user may choose for a dataset; unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def distinct_names(option: str, names: list[str], known: Sequence[str]) -> list[str]:
    """The names; ValueError if one is not known, or named twice."""
    if unknown := sorted(set(names) - set(known)):
        raise ValueError(f"unknown {option} {', '.join(unknown)}; known are {', '.join(known)}")
    if len(set(names)) < len(names):
        raise ValueError(f"{option}: {', '.join(names)} names one twice")
    return names


class AnswerPolicy(Policy):
    """What the datasets of rated answers have in common."""

    sources: list[str] = Field(
        ["human", "verifier", "judge"],
        min_length=1,
        description="Whose rewards, preferences and corrections are used; those of others are counted. Synthetic ones "
        "are used in training rows alone.",
    )

    @field_validator("sources")
    @classmethod
    def _sources(cls, sources: list[str]) -> list[str]:
        return distinct_names("sources", sources, SOURCES)


class SftPolicy(AnswerPolicy):
    """The best answer per prompt."""

    preset: Literal["conservative", "balanced", "aggressive"] = Field(
        "balanced", description="Minimum reward of a row: conservative 0.9, balanced 0.8, aggressive 0.7."
    )
    min_reward: float | None = Field(None, ge=0, le=1, description="Minimum reward of a row, instead of the preset's.")
    sure_from: int = Field(
        5,
        ge=1,
        description="From this many raters of an answer on, the lower bound of its reward must reach the minimum too, "
        "unless all of them rated it that high.",
    )
    max_samples: int = Field(1_000_000, ge=1, description="Maximum number of rows, the best first.")
    teacher: bool = Field(True, description="Use answers of the teacher, before logged ones, if there are any.")

    @property
    def reward_threshold(self) -> float:
        return PRESETS[self.preset] if self.min_reward is None else self.min_reward


class PairPolicy(AnswerPolicy):
    """Pairs of answers to one prompt."""

    strategies: list[str] = Field(
        ["explicit", "all_margin"],
        min_length=1,
        description="Which pairs are made, in order of precedence: explicit (stated preferences and corrections), "
        "all_margin (every pair a margin apart), best_worst (the best and the worst answer of a prompt), ratings (four "
        "stars or more against two or fewer), mu2s (of eight answers or more, the best against the one nearest to two "
        "standard deviations below the mean), judge (preferences of a judge model that hold in both orders, if rewards "
        "show none; off by default, since a judge is no person).",
    )
    margin: float = Field(0.2, gt=0, le=1, description="Minimum difference of rewards.")
    max_len_ratio: float = Field(2.0, ge=1, description="The longer answer is at most this many times the shorter.")
    length_allowance: int = Field(
        80, ge=0, description="Answers that differ by fewer characters than this are paired whatever their ratio."
    )
    per_prompt: int = Field(2, ge=1, description="Maximum number of pairs per prompt.")
    max_pairs: int = Field(
        1_000_000, ge=1, description="Maximum number of pairs, round-robin over prompts, the widest margin first."
    )
    max_answers: int = Field(
        64,
        ge=2,
        le=256,
        description="Maximum number of answers per prompt that are paired, evenly over their rewards: pairs grow with "
        "the square.",
    )

    @field_validator("strategies")
    @classmethod
    def _known(cls, strategies: list[str]) -> list[str]:
        return distinct_names("strategies", strategies, STRATEGIES)


class DpoPolicy(PairPolicy):
    """Pairs of answers to one prompt of which one was clearly better."""


class RewardPolicy(PairPolicy):
    """Pairs for a reward model: small margins help it too, and one prompt may give all pairs of four answers."""

    margin: float = Field(0.05, gt=0, le=1, description="Minimum difference of rewards.")
    per_prompt: int = Field(6, ge=1, description="Maximum number of pairs per prompt.")


class KtoPolicy(AnswerPolicy):
    """Single answers that were good or bad."""

    good_from: float = Field(0.75, gt=0, le=1, description="An answer is good from this reward on (four stars).")
    bad_to: float = Field(0.25, ge=0, lt=1, description="An answer is bad up to this reward (two stars).")
    max_samples: int = Field(1_000_000, ge=1, description="Maximum number of rows, the clearest labels first.")

    @model_validator(mode="after")
    def _apart(self) -> "KtoPolicy":
        if self.bad_to >= self.good_from:
            raise ValueError(f"bad_to ({self.bad_to}) must lie below good_from ({self.good_from})")
        return self


class GrpoPolicy(AnswerPolicy):
    """Groups of answers to one prompt."""

    scorers: list[str] | None = Field(
        None,
        min_length=1,
        description="Whose scores make groups, one scorer per group; unset: those of sources. ruler adds groups of "
        "ruler_groups, where no other scorer tells the answers to a prompt apart.",
    )
    group_size: int = Field(4, ge=2, le=10, description="Maximum number of answers in a group.")
    min_group_size: int = Field(2, ge=2, le=10, description="Minimum number of answers in a group.")
    selection: Literal["stratified", "top", "random"] = Field(
        "stratified",
        description="Which answers of a large group: evenly over the rewards, the best, or by the hash of the id.",
    )
    min_sd: float = Field(0.05, ge=0, description="Minimum standard deviation of a group's rewards.")
    failed_below: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Outcome gate: a group whose best reward lies below this is dropped: every answer failed, and the "
        "differences that remain (form, length) must give no advantage.",
    )

    @model_validator(mode="after")
    def _possible(self) -> "GrpoPolicy":
        named = distinct_names("scorers", self.scorers or [], (*SOURCES, RULER))
        if others := sorted(set(named) - {*self.sources, RULER}):
            raise ValueError(f"scorers names {', '.join(others)}, which sources does not: add it there")
        if self.min_group_size > self.group_size:
            raise ValueError(f"min_group_size ({self.min_group_size}) is above group_size ({self.group_size})")
        return self

    @property
    def with_ruler(self) -> bool:
        """Whether groups that a judge scored as a whole are used."""
        return RULER in (self.scorers or [])

    @property
    def group_sources(self) -> list[str]:
        """Whose rewards make groups."""
        return [source for source in self.sources if self.scorers is None or source in self.scorers]
