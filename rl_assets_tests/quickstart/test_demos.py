"""What `make demo` and `make demo-real` ask for exists: each selection of assets, setting, recipe and day."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.definitions import build_defs
from rl_assets.recipes.recipe import named_recipe
from rl_assets.settings import load_settings
from rl_assets_tests.support.wheel import REPOSITORY

RECORD = """#!{python}
import json, os, sys
settings = {{name: value for name, value in os.environ.items() if name.startswith("RL_ASSETS_")}}
with open({calls!r}, "a") as file:
    file.write(json.dumps([sys.argv, settings]) + "\\n")
"""


@pytest.fixture
def calls(request: pytest.FixtureRequest, tmp_path: Path) -> list[tuple[list[str], dict[str, str]]]:
    """The commands of a target of the Makefile, each with its settings; nothing of them runs."""
    programs, log = tmp_path / "bin", tmp_path / "calls"
    programs.mkdir()
    for name in ("python", "dg"):
        (programs / name).write_text(RECORD.format(python=sys.executable, calls=str(log)), encoding="utf-8")
        (programs / name).chmod(0o755)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RL_ASSETS_")}
    command = ["make", "--assume-old", "setup", f"BIN={programs}", request.param]
    subprocess.run(command, cwd=REPOSITORY, env=clean, check=True, capture_output=True)
    return [tuple(json.loads(line)) for line in log.read_text(encoding="utf-8").splitlines()]


def option(command: list[str], name: str) -> str | None:
    return command[command.index(name) + 1] if name in command else None


@pytest.mark.parametrize("calls", ["demo", "demo-real"], indirect=True)
def test_a_demo_launches_assets_that_exist_on_days_of_its_log(calls, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(REPOSITORY)
    launches = [(command, settings) for command, settings in calls if command[1] == "launch"]
    assert len(launches) >= 2
    for command, settings in launches:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        defs = build_defs()
        graph = defs.resolve_asset_graph()
        for part in (option(command, "--assets") or "").split(" or "):
            assert dg.AssetSelection.from_string(part).resolve(graph), part
        days = option(command, "--partition") or option(command, "--partition-range")
        if days:
            known = {path.name for path in REPOSITORY.glob("rl_assets/quickstart/landing/*/2026-*")}
            assert {*days.split("...")} <= known
        named_recipe(load_settings().recipe)


@pytest.mark.parametrize("calls", ["demo-real"], indirect=True)
def test_each_segment_of_the_real_demo_is_trained_and_summed_up(calls, monkeypatch: pytest.MonkeyPatch):
    *_, (launch, settings), (summary, _) = calls
    from_names = {
        name.split(":")[1].removesuffix("_*") for name in shlex.split(option(launch, "--assets") or "") if ":" in name
    }
    assert from_names == {*summary[4:]}
    assert Path(REPOSITORY / settings["RL_ASSETS_SEGMENTS"]).is_file()
