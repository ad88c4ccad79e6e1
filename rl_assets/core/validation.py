"""Validation of files that are read back or edited by hand: a strict base model, and errors as a sentence."""

from pydantic import BaseModel, ConfigDict, ValidationError


class Record(BaseModel):
    """Base of values that are written to files: unknown fields are rejected, and instances are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def problems(error: ValidationError, name: str = "the file") -> str:
    """Each problem with its position, as `models.gpt-4o.input: Field required; version: ...`.

    `name` names the validated object, for problems that concern all of it.
    """
    items = [(".".join(str(part) for part in item["loc"]) or name, item["msg"]) for item in error.errors()]
    return "; ".join(f"{position}: {message}" for position, message in items)
