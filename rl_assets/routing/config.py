"""The router file (`RL_ASSETS_ROUTER`): which arms there are, what was believed of them before, and how they are drawn.

Without one, every agent of the log is an arm, and nothing is known of any.
"""

from math import isfinite
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from rl_assets.core.validation import Record, problems

ANY = "*"
Prior = tuple[float, float]
Strategy = Literal["thompson", "top_two", "ucb", "epsilon_greedy"]
Feature = Literal["language", "prompt_length", "segment", "top_k"]


class RouterFile(Record):
    """Everything that a deployment chooses about routing. Shares, floor and cap are probabilities.

    `arms` and `disabled` name arms (`agent@adapter`) or agents, which stand for all their arms. `priors` are
    `[answers, sum of their rewards]` by `category/arm`, where either side may be `*` and an agent may stand for its
    arms; the most precise one counts. `discount` is the weight of a reward per day of its age.
    """

    arms: list[str] = Field(default_factory=list)
    disabled: list[str] = Field(default_factory=list)
    categories: list[str] = Field(default_factory=list)
    priors: dict[str, Prior] = Field(default_factory=dict)
    default_prior: Prior = (1.0, 0.5)
    strategy: Strategy = "thompson"
    floor: float = Field(0.05, ge=0, lt=1)
    new_arm_cap: float = Field(0.10, gt=0, le=1)
    discount: float = Field(0.995, gt=0, le=1)
    horizon_days: int = Field(7, ge=0)
    ucb_c: float = Field(1.41, gt=0)
    epsilon: float = Field(0.1, ge=0, le=1)
    features: list[Feature] = Field(default_factory=list)

    @field_validator("default_prior", mode="after")
    @classmethod
    def _possible_default(cls, prior: Prior) -> Prior:
        _check_prior("default_prior", prior)
        return prior

    @model_validator(mode="after")
    def _consistent(self) -> "RouterFile":
        for key, prior in self.priors.items():
            if "/" not in key:
                raise ValueError(f"priors.{key}: write category/arm, such as analytical/table_rag or */table_rag")
            _check_prior(f"priors.{key}", prior)
        if lost := set(self.disabled) & set(self.arms):
            raise ValueError(f"{', '.join(sorted(lost))} stands in `arms` and in `disabled`: remove it from one")
        return self

    def prior(self, category: str, arm: str) -> Prior:
        """Answers and their rewards that an arm starts with: of the arm, of its agent, of any category, the default."""
        agent = agent_of(arm)
        for place in (category, ANY):
            for name in (arm, agent):
                if (key := f"{place}/{name}") in self.priors:
                    return self.priors[key]
        return self.priors.get(f"{category}/{ANY}", self.priors.get(f"{ANY}/{ANY}", self.default_prior))

    def disables(self, arm: str) -> bool:
        """Whether the arm or its agent is disabled."""
        return bool({arm, agent_of(arm)} & set(self.disabled))

    def declares(self, arm: str) -> bool:
        """Whether the arm may be drawn: it is declared, or nothing is, and it is not disabled."""
        return not self.disables(arm) and (not self.arms or bool({arm, agent_of(arm)} & set(self.arms)))


def agent_of(arm: str) -> str:
    """The agent of an arm; a name without an adapter is both."""
    return arm.rsplit("@", 1)[0]


def _check_prior(where: str, prior: Prior) -> None:
    pulls, reward = prior
    if not (isfinite(pulls) and isfinite(reward)) or pulls <= 0:
        raise ValueError(f"{where} is {list(prior)}: give a number of answers above 0 and the sum of their rewards")
    if not 0 <= reward <= pulls:
        raise ValueError(f"{where} is {list(prior)}: the sum of {pulls:g} rewards in [0, 1] is not {reward:g}")


def read_router(path: Path | None) -> RouterFile:
    """The router file, or the default without one.

    FileNotFoundError if it is missing; ValueError names the file and everything that is unknown or invalid in it.
    """
    if path is None:
        return RouterFile()
    if not path.is_file():
        raise FileNotFoundError(f"The setting `router` names {path.absolute()}, which is no file.")
    try:
        return RouterFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except yaml.YAMLError as error:
        raise ValueError(f"The router file {path} is not valid YAML: {error}") from error
    except ValidationError as error:
        raise ValueError(f"The router file {path}: {problems(error, schema=RouterFile)}") from error
