"""What every part of a report is made of."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Role = Literal["base", "parent", "champion", "candidate"]
ROLES: tuple[Role, ...] = ("base", "parent", "champion", "candidate")


class Record(BaseModel):
    """Every part of the report refuses unknown fields and never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
