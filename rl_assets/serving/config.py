"""The serving file (`RL_ASSETS_SERVING`): endpoints, further arms, segments and fixed shares of traffic.

Without one, this machine's own server serves the product's champion, which gets all traffic.
"""

from pathlib import Path, PurePosixPath
from typing import Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from rl_assets.core.validation import Record, problems
from rl_assets.routing.config import ANY
from rl_assets.serving.names import PRODUCT
from rl_assets.serving.routing import Shares

EMBEDDED_URL = "http://127.0.0.1:8801"
DriverName = Literal["embedded", "vllm", "sglang", "static"]


class Endpoint(Record):
    """Servers that answer alike: one URL per replica. `adapters_mount` is the home's folder as the servers see it."""

    driver: DriverName = "embedded"
    urls: list[str] = Field(min_length=1)
    adapters_mount: PurePosixPath | None = None
    token_env: str | None = None


class ExternalArm(Record):
    """A model of another server, as another team's or a vendor's; `fallback` are arms, by name or role."""

    endpoint: str
    model: str
    agent: str | None = None
    fallback: list[str] = Field(default_factory=list)


class ServedSegment(Record):
    """Where a segment's adapters are served, and the agent in whose name they answer.

    `shares` are fixed, by category and then by role (`champion`, `canary`, `previous`, `base`) or name of an arm.
    """

    endpoint: str = "local"
    agent: str = "assistant"
    shares: dict[str, Shares] = Field(default_factory=dict)


class ServingFile(Record):
    """Everything that a deployment chooses about serving. Times in seconds and minutes, shares in [0, 1]."""

    endpoints: dict[str, Endpoint] = Field(default_factory=lambda: {"local": Endpoint(urls=[EMBEDDED_URL])})
    arms: dict[str, ExternalArm] = Field(default_factory=dict)
    segments: dict[str, ServedSegment] = Field(default_factory=lambda: {PRODUCT: ServedSegment()})
    canary_cap: float = Field(0.10, gt=0, le=0.5)
    drain_minutes: float = Field(10, ge=0)
    first_byte_s: float = Field(10, gt=0)
    deadline_s: float = Field(120, gt=0)

    @model_validator(mode="after")
    def _consistent(self) -> "ServingFile":
        used = {segment.endpoint for segment in self.segments.values()} | {arm.endpoint for arm in self.arms.values()}
        if unknown := used - set(self.endpoints):
            raise ValueError(f"endpoint {', '.join(sorted(unknown))} is not declared in `endpoints`")
        if PRODUCT not in self.segments:
            raise ValueError(f"`segments` lacks `{PRODUCT}`, which answers where no other segment applies")
        for name, segment in self.segments.items():
            if segment.shares and ANY not in segment.shares:
                raise ValueError(f"segments.{name}.shares lacks the category `{ANY}`, which stands for every other one")
        return self


def read_serving(path: Path | None) -> ServingFile:
    """The serving file, or the default without one.

    FileNotFoundError if it is missing; ValueError names the file and everything that is unknown or invalid in it.
    """
    if path is None:
        return ServingFile()
    if not path.is_file():
        raise FileNotFoundError(f"The setting `serving` names {path.absolute()}, which is no file.")
    try:
        return ServingFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise ValueError(f"The serving file {path} is not valid YAML: {error}") from error
    except ValidationError as error:
        raise ValueError(f"The serving file {path}: {problems(error, schema=ServingFile)}") from error
