"""The roles that a model can play in an evaluation."""

from typing import Literal

Role = Literal["base", "parent", "champion", "candidate"]
ROLES: tuple[Role, ...] = ("base", "parent", "champion", "candidate")
