"""What answers cost: a versioned table of prices by base model. A model that is missing there has no price, not 0.

The table is `prices.yaml` in the home folder, else the one next to this module.
"""

from datetime import date
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from rl_assets.core.validation import Record, problems

SHIPPED = Path(__file__).parent / "prices.yaml"
MILLION = 1_000_000


class Price(Record):
    """US dollars per million tokens of prompts (`input`) and of answers (`output`)."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)

    def usd(self, prompt_tokens: float, answer_tokens: float) -> float:
        """The cost of that many tokens."""
        return (prompt_tokens * self.input + answer_tokens * self.output) / MILLION


class PriceTable(Record):
    """Prices as of `version`, from `source`, by the name of the base model as `RL_ASSETS_BASE_MODEL` has it."""

    version: date
    source: str
    models: dict[str, Price]


class PricesUsed(Record):
    """Which table was looked into, and the base model's price there; None if it does not name it."""

    version: date
    source: str
    price: Price | None


def read_prices(own: Path) -> PriceTable:
    """The table at `own` if there is one, else the shipped one. ValueError names the file and what is wrong in it."""
    path = own if own.is_file() else SHIPPED
    try:
        return PriceTable.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not valid YAML: {error}") from error
    except ValidationError as error:
        raise ValueError(f"{path} is no price table: {problems(error)}; correct it or remove it") from error


def price_of(table: PriceTable, model: str) -> PricesUsed:
    """The model's price, with the table's version."""
    return PricesUsed(version=table.version, source=table.source, price=table.models.get(model))
