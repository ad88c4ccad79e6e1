"""Health checks: `python -m rl_assets.doctor` prints one line per check; exit code 1 if one is an error."""

import os
import sys
from collections.abc import Callable, Iterator

from rl_assets.doctor import machine_checks, service_checks, serving_checks, training_checks
from rl_assets.doctor.machine_checks import CheckResult, error, ok
from rl_assets.settings import Settings, SettingsError, load_settings

CHECKS: tuple[Callable[[Settings], Iterator[CheckResult]], ...] = (
    machine_checks.home_folder,
    machine_checks.landing_folder,
    service_checks.lake,
    machine_checks.disk,
    machine_checks.memory,
    machine_checks.accelerator,
    service_checks.judge,
    service_checks.teacher,
    machine_checks.clock,
    training_checks.base_model,
    training_checks.recipe_fit,
    training_checks.tonight,
    serving_checks.serving,
    serving_checks.gateway,
    serving_checks.spool,
)


def run_checks() -> Iterator[CheckResult]:
    """Every result, as soon as it is known; with invalid settings only those that need none."""
    yield from machine_checks.packages()
    yield from service_checks.dagster_storage()
    try:
        settings = load_settings()
    except SettingsError as problem:
        yield error("settings", str(problem))
        return
    names = sorted(name for name in os.environ if name.startswith("RL_ASSETS_"))
    yield ok("settings", f"valid; set in the environment: {', '.join(names) or 'none'}")
    for check in CHECKS:
        yield from check(settings)


def main() -> int:
    """Print the results; 1 if one is an error."""
    failed = False
    for result in run_checks():
        print(result, flush=True)
        failed = failed or result.status == "error"
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
