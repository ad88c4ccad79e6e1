"""What the doctor looks at on this machine: settings, packages, folders, disk, memory, accelerator, clock."""

import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib import metadata
from pathlib import Path
from tempfile import NamedTemporaryFile, gettempdir
from typing import Literal

from rl_assets.ingest.landing import LandingError, day_fingerprints
from rl_assets.recipes.recipe import named_recipe
from rl_assets.settings import Settings

GIB = 2**30
LEAST_DISK, LITTLE_DISK = 2 * GIB, 10 * GIB
SKEW_S = 60.0
State = Literal["well", "doubtful", "ill"]


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, and a sentence that says what was found and, where it is not well, what to do."""

    subject: str
    state: State
    sentence: str


def packages(distribution: str = "rl-assets") -> Iterator[Finding]:
    """Whether each dependency is installed in a version that the project asks for."""
    from packaging.requirements import Requirement

    python = ".".join(map(str, sys.version_info[:3]))
    wanted = [Requirement(text) for text in metadata.requires(distribution) or []]
    wanted = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = [problem for one in wanted if (problem := _unmet(one.name, str(one.specifier)))]
    if wrong:
        yield Finding("packages", "ill", f"{'; '.join(wrong)}: run `make setup` again")
    else:
        yield Finding("packages", "well", f"Python {python}, {len(wanted)} packages in the versions asked for")


def _unmet(name: str, specifier: str) -> str | None:
    from packaging.specifiers import SpecifierSet

    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"{name} is not installed"
    return None if SpecifierSet(specifier).contains(found, prereleases=True) else f"{name} is {found}, not {specifier}"


def home_folder(settings: Settings) -> Iterator[Finding]:
    """Whether the home can be written to, and its secret is one."""
    home = settings.home
    if not home.is_dir():
        yield Finding("home", "doubtful", f"there is no folder {home} yet: set RL_ASSETS_HOME, or drop logs below it")
        return
    try:
        with NamedTemporaryFile(dir=home):
            yield Finding("home", "well", f"{home} can be read and written")
    except OSError as error:
        yield Finding("home", "ill", f"{home} cannot be written to ({error.strerror}): give this user the right to")
    key = settings.paths.user_hash_key
    if settings.user_hash_key is None and key.is_file() and stat.S_IMODE(key.stat().st_mode) & 0o077:
        yield Finding("secret", "ill", f"{key} can be read by others: run `chmod 600 {key}`")


def landing_folder(settings: Settings, today: date | None = None) -> Iterator[Finding]:
    """Whether every folder and file can be read, and no log is of a day to come."""
    landing = settings.paths.landing
    try:
        days = day_fingerprints(landing)
        local = landing.rglob("*") if isinstance(landing, Path) else ()
        unreadable = [path for path in local if not os.access(path, os.R_OK)]
    except (LandingError, OSError) as error:
        yield Finding("landing", "ill", str(error))
        return
    if unreadable:
        yield Finding("landing", "ill", f"{len(unreadable)} files cannot be read, the first is {unreadable[0]}")
    elif not days:
        yield Finding("landing", "doubtful", f"{landing} holds no log yet: <format>/<YYYY-MM-DD>/ is read")
    else:
        yield Finding("landing", "well", f"logs of {len(days)} days, {min(days)} to {max(days)}")
    tomorrow = (today or datetime.now(UTC).date()) + timedelta(days=1)
    if ahead := [day for day in days if day > str(tomorrow)]:
        yield Finding(
            "clock", "doubtful", f"there are logs of {ahead[0]}, which is to come: is this machine's clock right?"
        )


def disk(settings: Settings) -> Iterator[Finding]:
    """How much room the home and the folder for spilling have."""
    existing = next(path for path in (settings.home, *settings.home.parents) if path.is_dir())
    for subject, folder in (("disk", existing), ("disk for spilling", Path(gettempdir()))):
        free = shutil.disk_usage(folder).free
        state: State = "ill" if free < LEAST_DISK else "doubtful" if free < LITTLE_DISK else "well"
        advice = "" if state == "well" else ": make room, or run the job `retention`"
        yield Finding(subject, state, f"{free / GIB:.1f} GiB are free in {folder}{advice}")


def memory(settings: Settings) -> Iterator[Finding]:
    """Whether DuckDB's limit fits into this machine's memory, and is a size at all."""
    import duckdb

    try:
        connection = duckdb.connect(config={"memory_limit": settings.duckdb_memory_limit})
    except duckdb.Error as error:
        yield Finding("memory", "ill", f"RL_ASSETS_DUCKDB_MEMORY_LIMIT: {str(error).splitlines()[0]}")
        return
    connection.close()
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    yield Finding("memory", "well", f"{there / GIB:.1f} GiB, of which DuckDB may use {settings.duckdb_memory_limit}")


def accelerator(settings: Settings) -> Iterator[Finding]:
    """Whether there is a GPU where the recipe is written for one."""
    import torch

    recipe, there = named_recipe(settings.recipe), torch.cuda.is_available()
    if there:
        names = [torch.cuda.get_device_name(device) for device in range(torch.cuda.device_count())]
        yield Finding("accelerator", "well", f"torch {torch.__version__} sees {', '.join(names)}")
    elif settings.recipe == "tiny_cpu" or settings.executor in ("ray", "k8s"):
        yield Finding("accelerator", "well", f"no GPU here, and {recipe.name} needs none on this machine")
    else:
        yield Finding(
            "accelerator", "doubtful", f"no GPU, and the recipe {settings.recipe} is written for one: training crawls"
        )


def clock(settings: Settings) -> Iterator[Finding]:
    """Whether this machine and the disk of the home agree on the time."""
    if not settings.home.is_dir():
        return
    try:
        with NamedTemporaryFile(dir=settings.home) as file:
            skew = Path(file.name).stat().st_mtime - time.time()
    except OSError:
        return  # That the home cannot be written to has been said.
    if abs(skew) > SKEW_S:
        yield Finding(
            "clock", "ill", f"the disk of {settings.home} is {skew:+.0f} s from this machine: mend either clock"
        )
    else:
        yield Finding("clock", "well", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, and the disk agrees")
