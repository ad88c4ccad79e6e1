"""Every command that a page shows exists, and its names, options, partitions and configuration are accepted."""

import argparse
import importlib
import importlib.util
import json
import re
import runpy
import shlex
import tomllib
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from pkgutil import resolve_name

import click
import dagster as dg
import pytest
import yaml
from dagster.components.scaffold.scaffold import get_scaffolder
from dagster_dg_cli.cli import create_dg_cli
from dotenv import dotenv_values

from rl_assets.definitions import defs
from rl_assets.settings import PREFIX, Settings
from rl_assets_tests.support.pages import (
    CONTRIBUTORS,
    PAGES,
    REPOSITORY,
    Block,
    blocks,
    code_spans,
    commands,
    text_of,
)

TARGETS = set(re.findall(r"(?m)^([a-z-]+):", text_of(REPOSITORY / "Makefile")))
EXTRAS = tomllib.loads(text_of(REPOSITORY / "pyproject.toml"))["project"]["optional-dependencies"]
# Variables of others that pages set, and files that an earlier command of the same block writes.
VARIABLES = re.compile(r"DAGSTER_HOME|PG[A-Z]+")
WRITTEN = {"train.py"}
BOLD = '{"ops": {"sft_dataset": {"config": {"preset": "bold"}}}}'
SHELL_BLOCKS = blocks("sh")


class ParsedError(Exception):
    """The arguments were understood; nothing was done."""


def make(_: Block, words: list[str]) -> None:
    assert set(words) <= TARGETS


def export(_: Block, words: list[str]) -> None:
    for name, value in (word.split("=", 1) for word in words):
        assert VARIABLES.fullmatch(name) or setting(name, value), name


def setting(name: str, value: str) -> bool:
    """Whether it is a setting; pydantic's error says that its value is none."""
    field = name.removeprefix(PREFIX).lower()
    if field == "detectors":  # Its model is not there.
        return callable(resolve_name(value))
    Settings.model_validate({field: json.loads(value) if value.startswith(("{", "[")) else value})
    return name.startswith(PREFIX) and field in Settings.model_fields


def echo(_: Block, words: list[str]) -> None:
    text, arrow, file = words
    assert (arrow, file) == (">>", ".env") and setting(*text.split("=", 1))


def activate(_: Block, words: list[str]) -> None:
    assert words == [".venv/bin/activate"]


def python(block: Block, words: list[str]) -> None:
    if words[0] in WRITTEN:
        assert words[0] in block.text.split(f"python {words[0]}")[0]
        return
    flag, module, *arguments = words
    if module == "spacy":
        assert arguments[0] == "download" and importlib.util.find_spec("spacy.cli.download")
        return
    assert flag == "-m" and importlib.util.find_spec(module)
    assert module.startswith("rl_assets.") or block.page in CONTRIBUTORS, "the wheel does not hold the tests"
    arguments = arguments[: arguments.index(">")] if ">" in arguments else arguments
    source = text_of(Path(importlib.util.find_spec(main_module(module)).origin))
    if "argparse" not in source:
        assert arguments == []
        return
    understood(module, arguments)


def main_module(module: str) -> str:
    spec = importlib.util.find_spec(module)
    return f"{module}.__main__" if spec and spec.submodule_search_locations else module


def understood(module: str, arguments: list[str]) -> None:
    """Run the module until its arguments are parsed."""
    parse = argparse.ArgumentParser.parse_args

    def stop(parser: argparse.ArgumentParser, *_args, **_options) -> None:
        parse(parser, arguments)
        raise ParsedError

    with pytest.MonkeyPatch.context() as patch, pytest.raises(ParsedError):
        patch.setattr(argparse.ArgumentParser, "parse_args", stop)
        patch.setattr("sys.argv", [module, *arguments])
        patch.delitem(__import__("sys").modules, module, raising=False)
        runpy.run_module(module, run_name="__main__")


def scaffold(component: str, name: str, *options: str) -> None:
    """The component can be imported, and its scaffolder takes the options."""
    module, _, cls = component.rpartition(".")
    params = get_scaffolder(getattr(importlib.import_module(module), cls)).get_scaffold_params()
    given = dict(zip(options[::2], options[1::2], strict=True))
    params.model_validate({option.removeprefix("--"): value for option, value in given.items()})
    assert name.isidentifier() and {option.removeprefix("--") for option in given} <= set(params.model_fields)


def dg_command(block: Block, words: list[str]) -> None:
    if words[:2] == ["scaffold", "defs"]:
        # Dagster's own command loads every installed component first.
        scaffold(*words[2:])
        return
    command: click.Command = create_dg_cli()
    context = click.Context(command)
    names = []
    while isinstance(command, click.Group):
        names.append(words[0])
        found = command.get_command(context, words[0])
        assert found is not None, words[0]
        command, words = found, words[1:]
    options, _, _ = command.make_parser(context).parse_args(list(words))
    if names == ["launch"]:
        launch(block, **options)


def launch(
    block: Block,
    assets: str | None = None,
    job: str | None = None,
    partition: str | None = None,
    partition_range: str | None = None,
    config_json: str | None = None,
    config: tuple[str, ...] | list[str] = (),
    **others: object,
) -> None:
    """Names, partition and configuration fit each other."""
    assert set(others) <= {"module_name"} and (assets is None) != (job is None)
    definition = job_of(assets) if assets else defs.resolve_job_def(job or "")
    days = [partition] if partition else (partition_range or "").split("...") if partition_range else []
    keys = definition.asset_layer.executable_asset_keys
    divided = [found for key in keys if (found := defs.resolve_asset_graph().get(key).partitions_def)]
    assert bool(days) == bool(divided)
    by_source = any(isinstance(found, dg.DynamicPartitionsDefinition) for found in divided)
    assert all(re.fullmatch(r"guide" if by_source else r"2026-1\d-\d\d", day or "") for day in days)
    values = json.loads(config_json or "{}")
    for name in config:
        values |= titled(block, name)
    assert dg.validate_run_config(definition, values)


def job_of(selection: str) -> dg.JobDefinition:
    graph = defs.resolve_asset_graph()
    keys = dg.AssetSelection.from_coercible(selection.split(",")).resolve(graph)
    named = re.findall(r"[\w]+", re.sub(r"\w+:\w+|\bor\b|\band\b", "", selection))
    assert keys and {key.to_user_string() for key in keys} >= set(named)
    for group in re.findall(r"group:(\w+)", selection):
        assert group in {graph.get(key).group_name for key in keys}
    return defs.resolve_implicit_global_asset_job_def().get_subset(asset_selection=keys)


def titled(block: Block, title: str) -> dict:
    """The YAML of that title on the same page."""
    (text,) = (other.text for other in blocks("yaml", (block.page,)) if other.title == title)
    return yaml.safe_load(re.sub(r"<[a-z ]+>", "PLACEHOLDER", text))


def dagster(_: Block, words: list[str]) -> None:
    """Of Dagster's older command only what `dg` cannot do: switching automations on."""
    kind, start, name = words
    assert start == "start" and name in {
        item.name for item in {"schedule": defs.schedules, "sensor": defs.sensors}[kind]
    }


def pip(_: Block, words: list[str]) -> None:
    command, package = words
    name, extra = re.fullmatch(r"([\w-]+)(?:\[(\w+)\])?", package).groups()
    assert command == "install" and name == "rl-assets" and (extra is None or extra in EXTRAS)


PROGRAMS: dict[str, Callable[[Block, list[str]], None]] = {
    "make": make,
    "export": export,
    "echo": echo,
    ".": activate,
    "python": python,
    "dg": dg_command,
    "dagster": dagster,
    "pip": pip,
}


@pytest.mark.parametrize("block", SHELL_BLOCKS, ids=str)
def test_every_command_of_a_page_would_run(block: Block):
    for program, *words in commands(block):
        PROGRAMS[program](block, words)


def test_commands_between_backticks_would_run_too():
    checked = 0
    for page in PAGES:
        for span in sorted(code_spans(page)):
            if re.match(r"(make|dg|python|pip) [^.<]*$|python -m [\w.]+$", span):
                program, *words = shlex.split(span)
                PROGRAMS[program](Block(page, 0, "sh", "", span), words)
                checked += 1
    assert checked > 10


@pytest.mark.parametrize("block", blocks("ini"), ids=str)
def test_every_setting_of_a_page_is_valid(block: Block):
    values = dotenv_values(stream=StringIO(block.text))
    assert block.title == ".env" and values
    assert all(setting(name, value or "") for name, value in values.items())


@pytest.mark.parametrize(
    "command",
    [
        "dg launch --assets sft_dataset",
        "dg launch --assets sft_datset --partition 2026-11-20",
        "dg launch --assets sft_dataset --partitions 2026-11-20",
        "dg launch --job nightly --partition 2026-11-20",
        f"dg launch --assets sft_dataset --partition 2026-11-20 --config-json '{BOLD}'",
        "dg run sft_dataset",
        "make night",
        "python -m rl_assets.nothing",
        "python -m rl_assets_tests.benchmarks.images",
        "python -m rl_assets.datasets.exports data --form haiku --out sft.jsonl",
        "export RL_ASSETS_HOMES=/srv",
        "dagster dev",
    ],
)
def test_a_command_that_would_not_run_is_noticed(command: str):
    block = Block(REPOSITORY / "README.md", 0, "sh", "", command)
    program, *words = shlex.split(command)
    with pytest.raises(BaseException):  # noqa: B017 - each fails in its own way
        PROGRAMS[program](block, words)
