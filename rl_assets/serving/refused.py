"""`serving/refused.json`: adapters that an endpoint was refused with, so that none is tried again and again.

A pair is that of an adapter's weights and of an endpoint as it is declared and as its servers describe themselves. When
either changes, it is another pair.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from pydantic import TypeAdapter, ValidationError

from rl_assets.core.files import sha256_json, write_json
from rl_assets.core.home import Home
from rl_assets.core.validation import Record, problems
from rl_assets.serving.config import Endpoint
from rl_assets.serving.drivers.protocol import Limits

KEPT = 100
FILE = "refused.json"


class Refusal(Record):
    """Which adapter was refused at which endpoint, what was found, and when."""

    adapter: str
    endpoint: str
    finding: str
    at: str


ENTRIES = TypeAdapter(dict[str, Refusal])


def pair_key(sha256: str, endpoint: Endpoint, limits: Sequence[Limits]) -> str:
    """A hash of the weights and of everything that is known of the endpoint."""
    described = [asdict(limit) | {"target_modules": sorted(limit.target_modules or ())} for limit in limits]
    return sha256_json({"adapter": sha256, "endpoint": endpoint.model_dump(mode="json"), "limits": described})


def read_refused(home: Home) -> dict[str, Refusal]:
    """Refusals by the key of their pair. ValueError for a file that is none."""
    path = home.serving / FILE
    if not path.is_file():
        return {}
    try:
        return ENTRIES.validate_json(path.read_bytes())
    except ValidationError as error:
        raise ValueError(f"{path} is no list of refusals: {problems(error)}. Delete it to try all again.") from error


def record_refusal(home: Home, key: str, adapter: str, endpoint: str, finding: str) -> None:
    """Add a pair; of more than KEPT the oldest are forgotten."""
    entry = Refusal(adapter=adapter, endpoint=endpoint, finding=finding, at=datetime.now(UTC).isoformat())
    entries = sorted((read_refused(home) | {key: entry}).items(), key=lambda pair: pair[1].at)
    write_json(home.serving / FILE, json.loads(ENTRIES.dump_json(dict(entries[-KEPT:]))))


def forget_refusals(home: Home) -> None:
    """Let every pair be tried again."""
    (home.serving / FILE).unlink(missing_ok=True)
