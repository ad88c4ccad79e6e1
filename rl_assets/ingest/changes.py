"""Which log days are as they were ingested, by the content of their files: for days of which nothing else is known.

A sensor that is switched on after a history was built, or that lost its cursor, remembers no day. Times of change say
nothing about such a day, because a copied or restored folder has new ones; `ingested_files` holds what was read.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from rl_assets.core.files import sha256_stream
from rl_assets.core.object_store import AnyPath
from rl_assets.ingest.landing import LandedFile, files_by_day
from rl_assets.lake.delta import Lake
from rl_assets.tables.records import INGESTED_FILES

# A tick has a minute; at 200 MB/s this is a sixth of it.
READ_BYTES = 2 * 2**30


@dataclass(frozen=True)
class Comparison:
    """Days that hold exactly the files that were ingested, and days that are still to be compared."""

    same: list[str]
    waiting: list[str]


def compare_with_ingested(
    lake: Lake, landing: AnyPath, days: Iterable[str], read_bytes: int = READ_BYTES
) -> Comparison:
    """Compare the files of `days` with what was ingested, by name and content, until `read_bytes` were read.

    Only days whose files have the names of the ingested ones are read. At least one day is compared.
    """
    if not days:
        return Comparison([], [])
    ingested, landed = _ingested(lake, days), files_by_day(landing)
    same, waiting = [], []
    for day in sorted(days):
        files = landed.get(day, [])
        if day not in ingested or ingested[day].keys() != {file.name for file in files}:
            continue
        if read_bytes <= 0:
            waiting.append(day)
            continue
        read_bytes -= sum(file.path.stat().st_size for file in files)
        if all(_fingerprint(file) == ingested[day][file.name] for file in files):
            same.append(day)
    return Comparison(same, waiting)


def _ingested(lake: Lake, days: Iterable[str]) -> dict[str, dict[str, str]]:
    """Content hashes of the ingested files, by day and name."""
    rows = lake.read(INGESTED_FILES, days).to_table(columns=["day", "source_file", "fingerprint"]).to_pylist()
    fingerprints: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        fingerprints[str(row["day"])][row["source_file"]] = row["fingerprint"]
    return fingerprints


def _fingerprint(file: LandedFile) -> str:
    with file.path.open("rb") as content:
        return sha256_stream(content)


def consecutive(days: Iterable[str], max_days: int) -> list[list[str]]:
    """The days in order, cut into stretches without a gap of at most `max_days`."""
    stretches: list[list[str]] = []
    for day in sorted(days):
        previous = stretches[-1] if stretches else []
        follows = previous and date.fromisoformat(previous[-1]) + timedelta(days=1) == date.fromisoformat(day)
        if follows and len(previous) < max_days:
            previous.append(day)
        else:
            stretches.append([day])
    return stretches
