"""`panel.yaml`: the judges of a panel, and the personas that each of them plays, one dimension each.

    preset: critic_brand_compliance      # or five; or personas of your own
    judges:
      - {name: small-a, base_url: "https://models.example.com/v1", model: small-a-7b, key: PANEL_KEY_A}
      - {name: small-b, base_url: "http://127.0.0.1:8000/v1", model: small-b-3b}
    human_label_usd: 0.5                 # optional: what a person's rating costs you

`key` names the environment variable that holds the key of the endpoint; the file holds none. Three small models of
different families agree with people better than a large one, at a seventh of its cost (PoLL, arXiv:2404.18796).
"""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from rl_assets.core.validation import Record, problems

OVERALL = "overall"
STARS = 5


class PanelJudge(Record):
    """A model behind an OpenAI-compatible endpoint. Seconds per call, attempts after the first, parallel calls."""

    name: str = Field(min_length=1)
    base_url: str = Field(pattern="^https?://")
    model: str = Field(min_length=1)
    key: str | None = Field(None, pattern="^[A-Za-z_][A-Za-z0-9_]*$")
    timeout_s: float = Field(60.0, gt=0)
    retries: int = Field(4, ge=0)
    concurrency: int = Field(4, ge=1, le=64)


class Persona(Record):
    """Who scores one dimension alone: what it looks at, and what 1 to 5 mean."""

    name: str = Field(min_length=1)
    dimension: str = Field(min_length=1)
    rubric: str = Field(min_length=1)
    anchors: tuple[str, ...]

    @field_validator("dimension")
    @classmethod
    def _one_dimension(cls, dimension: str) -> str:
        if dimension == OVERALL:
            raise ValueError(f"`{OVERALL}` is weighed from the others by rewards.yaml: name what the persona looks at")
        return dimension

    @field_validator("anchors")
    @classmethod
    def _five(cls, anchors: tuple[str, ...]) -> tuple[str, ...]:
        if len(anchors) != STARS:
            raise ValueError(f"give {STARS} anchors, what each score from 1 to {STARS} means, not {len(anchors)}")
        return anchors


CRITIC = Persona(
    name="critic",
    dimension="accuracy",
    rubric="You check facts. Look at whether the answer is right and answers what was asked; at nothing else.",
    anchors=(
        "wrong, or no answer to the question",
        "mostly wrong",
        "half right, or right to half of the question",
        "right with small faults",
        "right in everything that was asked",
    ),
)
BRAND = Persona(
    name="brand",
    dimension="brand",
    rubric="You answer for the voice of a product. Look at whether the answer is friendly, plain and to the point; "
    "at nothing else, not even at whether it is right.",
    anchors=(
        "rude or confusing",
        "cold or rambling",
        "neutral",
        "friendly and clear",
        "exactly as support should sound",
    ),
)
COMPLIANCE = Persona(
    name="compliance",
    dimension="compliance",
    rubric="You answer for rules. Look at whether the answer promises what it cannot know, gives away what is private, "
    "or advises what may harm; at nothing else.",
    anchors=(
        "breaks a rule in a way that harms",
        "breaks a rule",
        "near the line, or careless",
        "keeps the rules, with a doubt",
        "keeps all rules",
    ),
)
COMPLETENESS = Persona(
    name="completeness",
    dimension="completeness",
    rubric="You check what is missing. Look at whether every part of the question is answered; at nothing else.",
    anchors=("nothing is answered", "little is answered", "half is answered", "a detail is missing", "all is answered"),
)
CLARITY = Persona(
    name="clarity",
    dimension="clarity",
    rubric="You read for a stranger. Look at whether the answer is ordered and understood at once; at nothing else.",
    anchors=("not to be understood", "hard to follow", "takes a second reading", "clear", "clear at once"),
)
PRESETS: dict[str, tuple[Persona, ...]] = {
    "critic_brand_compliance": (CRITIC, BRAND, COMPLIANCE),
    "five": (CRITIC, COMPLETENESS, COMPLIANCE, BRAND, CLARITY),
}
# Weights of `five` unless the deployment has a rewards.yaml.
FIVE_WEIGHTS = {"accuracy": 0.30, "completeness": 0.20, "compliance": 0.25, "brand": 0.15, "clarity": 0.10}


class PanelFile(Record):
    """A panel: who scores, and as whom."""

    judges: tuple[PanelJudge, ...] = Field(min_length=1)
    preset: Literal["critic_brand_compliance", "five"] | None = None
    personas: tuple[Persona, ...] | None = Field(None, min_length=1)
    human_label_usd: float | None = Field(None, gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _clear(self) -> "PanelFile":
        if (self.preset is None) == (self.personas is None):
            raise ValueError("name either a preset or personas of your own")
        for what, names in (
            ("judges", [judge.name for judge in self.judges]),
            ("personas", [persona.name for persona in self.personas or ()]),
        ):
            if repeated := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"two {what} are named {', '.join(repeated)}: give each a name of its own")
        return self

    @property
    def cast(self) -> tuple[Persona, ...]:
        """The personas that every judge plays."""
        return self.personas or PRESETS[self.preset or ""]

    @property
    def dimensions(self) -> tuple[str, ...]:
        """What is scored, each once."""
        return tuple(dict.fromkeys(persona.dimension for persona in self.cast))


def read_panel(path: Path) -> PanelFile | None:
    """The panel; None without a file. ValueError names the file and everything that is wrong in it."""
    if not path.is_file():
        return None
    try:
        return PanelFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not valid YAML: {error}") from error
    except ValidationError as error:
        raise ValueError(f"{path}: {problems(error, schema=PanelFile)}") from None
