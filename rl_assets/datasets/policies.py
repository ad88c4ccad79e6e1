"""What users may choose for each dataset. Assets show these as launchpad configuration; every default is usable."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

# Best first: of two strategies that give one pair, the earlier in a policy's list names it.
STRATEGIES = ("explicit", "all_margin", "best_worst", "ratings", "mu2s", "judge")
PRESETS = {"conservative": 0.9, "balanced": 0.8, "aggressive": 0.7}


class Policy(BaseModel):
    """What a user may choose for a dataset; unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AnswerPolicy(Policy):
    """What the datasets of rated answers have in common."""

    synthetic: bool = Field(
        False,
        description="Use rewards, preferences and corrections whose source is synthetic; by default they are counted.",
    )


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
        if unknown := sorted(set(strategies) - set(STRATEGIES)):
            raise ValueError(f"unknown strategies {', '.join(unknown)}; known are {', '.join(STRATEGIES)}")
        if len(set(strategies)) < len(strategies):
            raise ValueError("a strategy is named twice")
        return strategies


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
        if self.min_group_size > self.group_size:
            raise ValueError(f"min_group_size ({self.min_group_size}) is above group_size ({self.group_size})")
        return self
