"""Checks of this machine: packages, folders, disk, memory, accelerator, clock."""

import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib import metadata
from pathlib import Path
from tempfile import NamedTemporaryFile, gettempdir
from typing import Literal

from pydantic import BaseModel, ConfigDict

from rl_assets.ingest.landing import LandingError, day_fingerprints
from rl_assets.recipes.recipe import named_recipe
from rl_assets.settings import Settings

GIB = 2**30
MIN_DISK, LOW_DISK = 2 * GIB, 10 * GIB
MAX_SKEW_S = 60.0
Status = Literal["ok", "warning", "error"]


class CheckResult(BaseModel):
    """The status of a named check, and a message: what was observed and, if that is not ok, what to do."""

    model_config = ConfigDict(frozen=True)

    name: str
    status: Status
    message: str

    def __str__(self) -> str:
        return f"{self.status.upper():<7}  {self.name}: {self.message}"


def ok(name: str, message: str) -> CheckResult:
    """The result of a check that needs no attention."""
    return CheckResult(name=name, status="ok", message=message)


def warning(name: str, message: str) -> CheckResult:
    """The result of a check that may need attention."""
    return CheckResult(name=name, status="warning", message=message)


def error(name: str, message: str) -> CheckResult:
    """The result of a check without which the project cannot work."""
    return CheckResult(name=name, status="error", message=message)


def packages(distribution: str = "rl-assets") -> Iterator[CheckResult]:
    """Whether each dependency is installed in a version that the project asks for."""
    from packaging.requirements import Requirement

    python = ".".join(map(str, sys.version_info[:3]))
    required = [Requirement(text) for text in metadata.requires(distribution) or []]
    required = [one for one in required if one.marker is None or one.marker.evaluate({"extra": ""})]
    problems = [problem for one in required if (problem := _unmet(one.name, str(one.specifier)))]
    if problems:
        yield error("packages", f"{'; '.join(problems)}: run `make setup` again")
    else:
        yield ok("packages", f"Python {python}, {len(required)} packages in the required versions")


def _unmet(name: str, specifier: str) -> str | None:
    from packaging.specifiers import SpecifierSet

    try:
        installed = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"{name} is not installed"
    allowed = SpecifierSet(specifier).contains(installed, prereleases=True)
    return None if allowed else f"{name} is {installed}, not {specifier}"


def home_folder(settings: Settings) -> Iterator[CheckResult]:
    """Whether the home can be written to, and nobody else can read its secret."""
    home = settings.home
    if not home.is_dir():
        yield warning("home", f"there is no folder {home} yet: set RL_ASSETS_HOME, or drop logs below it")
        return
    try:
        with NamedTemporaryFile(dir=home):
            yield ok("home", f"{home} can be read and written")
    except OSError as problem:
        yield error("home", f"{home} cannot be written to ({problem.strerror}): give this user the right to")
    key = settings.paths.user_hash_key
    if settings.user_hash_key is None and key.is_file() and stat.S_IMODE(key.stat().st_mode) & 0o077:
        yield error("secret", f"{key} can be read by others: run `chmod 600 {key}`")


def landing_folder(settings: Settings, today: date | None = None) -> Iterator[CheckResult]:
    """Whether every folder and file can be read, and no log is dated in the future."""
    landing = settings.paths.landing
    try:
        days = day_fingerprints(landing)
        local = landing.rglob("*") if isinstance(landing, Path) else ()
        unreadable = [path for path in local if not os.access(path, os.R_OK)]
    except (LandingError, OSError) as problem:
        yield error("landing", str(problem))
        return
    if unreadable:
        yield error("landing", f"{len(unreadable)} files cannot be read, the first is {unreadable[0]}")
    elif not days:
        yield warning("landing", f"{landing} contains no logs yet: put files into <format>/<YYYY-MM-DD>/")
    else:
        yield ok("landing", f"logs of {len(days)} days, {min(days)} to {max(days)}")
    if early := [day for day in days if day < str(settings.start_date)]:
        yield warning(
            "landing",
            f"{len(early)} days of logs, {min(early)} to {max(early)}, are before RL_ASSETS_START_DATE "
            f"({settings.start_date}) and are not read: set it to {min(early)} if they should be",
        )
    tomorrow = (today or datetime.now(UTC).date()) + timedelta(days=1)
    if future := [day for day in days if day > str(tomorrow)]:
        yield warning("clock", f"there are logs of {future[0]}, which is in the future: check this machine's clock")


def disk(settings: Settings) -> Iterator[CheckResult]:
    """How much space the home and the folder for temporary files have."""
    existing = next(path for path in (settings.home, *settings.home.parents) if path.is_dir())
    for name, folder in (("disk", existing), ("temporary disk", Path(gettempdir()))):
        free = shutil.disk_usage(folder).free
        status: Status = "error" if free < MIN_DISK else "warning" if free < LOW_DISK else "ok"
        advice = "" if status == "ok" else ": free some space, or run the job `retention`"
        yield CheckResult(name=name, status=status, message=f"{free / GIB:.1f} GiB are free in {folder}{advice}")


def memory(settings: Settings) -> Iterator[CheckResult]:
    """Whether DuckDB's limit fits into this machine's memory, and is a valid size."""
    import duckdb

    try:
        connection = duckdb.connect(config={"memory_limit": settings.duckdb_memory_limit})
    except duckdb.Error as problem:
        yield error("memory", f"RL_ASSETS_DUCKDB_MEMORY_LIMIT: {str(problem).splitlines()[0]}")
        return
    connection.close()
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    yield ok("memory", f"{total / GIB:.1f} GiB, of which DuckDB may use {settings.duckdb_memory_limit}")


def accelerator(settings: Settings) -> Iterator[CheckResult]:
    """Whether there is a GPU, if the recipe needs one."""
    import torch

    recipe = named_recipe(settings.recipe)
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(device) for device in range(torch.cuda.device_count())]
        yield ok("accelerator", f"torch {torch.__version__} sees {', '.join(names)}")
    elif settings.recipe in ("tiny_cpu", "demo") or settings.executor in ("ray", "k8s"):
        yield ok("accelerator", f"no GPU here, and {recipe.name} needs none on this machine")
    else:
        yield warning("accelerator", f"no GPU, but the recipe {settings.recipe} needs one: training will be very slow")


def clock(settings: Settings) -> Iterator[CheckResult]:
    """Whether this machine and the disk of the home agree on the time."""
    if not settings.home.is_dir():
        return
    try:
        with NamedTemporaryFile(dir=settings.home) as file:
            skew = Path(file.name).stat().st_mtime - time.time()
    except OSError:
        return  # home_folder reports that the home cannot be written to.
    if abs(skew) > MAX_SKEW_S:
        yield error("clock", f"the disk of {settings.home} is {skew:+.0f} s off this machine: fix either clock")
    else:
        yield ok("clock", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, and the disk agrees")
