"""Is everything in order? `python -m rl_assets.doctor` says a sentence on each subject; exit code 1: one is ill."""

import os
import sys
from collections.abc import Callable, Iterator

from rl_assets.doctor import machine as examinations
from rl_assets.doctor import services
from rl_assets.doctor.machine import Finding, State
from rl_assets.settings import Settings, SettingsError, load_settings

OF_SETTINGS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    examinations.home_folder,
    examinations.landing_folder,
    services.lake,
    examinations.disk,
    examinations.memory,
    examinations.accelerator,
    services.judge,
    services.teacher,
    examinations.clock,
)
SIGNS: dict[State, str] = {"well": "ok     ", "doubtful": "look   ", "ill": "PROBLEM"}


def examined() -> Iterator[Finding]:
    """Every finding, as soon as it is found; without readable settings only what needs none."""
    yield from examinations.packages()
    yield from services.dagster_storage()
    try:
        settings = load_settings()
    except SettingsError as error:
        yield Finding("settings", "ill", str(error))
        return
    given = sorted(name for name in os.environ if name.startswith("RL_ASSETS_"))
    yield Finding("settings", "well", f"valid; set in the environment: {', '.join(given) or 'none'}")
    for examine in OF_SETTINGS:
        yield from examine(settings)


def line(finding: Finding) -> str:
    """A finding as it is printed."""
    return f"{SIGNS[finding.state]}  {finding.subject}: {finding.sentence}"


def main() -> int:
    """Print what is found; 1 where something is ill."""
    ill = False
    for finding in examined():
        print(line(finding), flush=True)
        ill = ill or finding.state == "ill"
    return int(ill)


if __name__ == "__main__":
    sys.exit(main())
