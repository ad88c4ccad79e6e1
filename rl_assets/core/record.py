"""The base of values that are written to files and read back: unknown fields are refused, and nothing changes."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Refuses unknown fields and never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
