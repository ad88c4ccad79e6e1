"""What a user chooses for a dataset in the launchpad: presets, errors before the run, and rows that follow."""

from pathlib import Path

import dagster as dg
import pytest

from rl_assets.datasets.ratings import Window, rate_interactions
from rl_assets.definitions import build_defs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.lake.delta import Lake
from rl_assets.settings import Settings
from rl_assets.tables.dataset_manifest import read_manifest
from rl_assets_tests.support.logs import DAY, Product, judged

SCORES = (0.95, 0.85, 0.75, 0.65)


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A home with a rated day: one answer to each of four prompts, of four rewards."""
    folder = tmp_path_factory.mktemp("home")
    product = Product(folder / "landing", Lake(str(folder / "lake")))
    product.log(*(judged(f"a{score}", score, query=f"How is {score}?") for score in SCORES))
    product.ingest()
    rate_interactions(product.lake, Window(DAY, 30))
    return folder


@pytest.fixture(scope="module")
def job(home: Path) -> dg.JobDefinition:
    defs = build_defs(
        resources={"home": HomeResource.from_settings(Settings(home=home))}, executor=dg.in_process_executor
    )
    return defs.resolve_job_def("datasets_job")


def chosen(asset: str, **config) -> dict:
    return {"ops": {asset: {"config": config}}}


@pytest.mark.slow  # Builds days for seconds.
@pytest.mark.parametrize(
    ("config", "rows"),
    [({}, 2), ({"preset": "conservative"}, 1), ({"preset": "aggressive"}, 3), ({"min_reward": 0.5}, 4)],
    ids=str,
)
def test_a_preset_or_a_threshold_of_the_launchpad_decides_the_rows(home: Path, job: dg.JobDefinition, config, rows):
    run_config = chosen("sft_dataset", **config)
    keys = [dg.AssetKey("sft_dataset")]
    assert job.execute_in_process(partition_key=str(DAY), asset_selection=keys, run_config=run_config).success
    manifest = read_manifest(home / "datasets" / "sft_dataset" / str(DAY))
    assert sum(manifest.rows.values()) == rows
    assert {name: manifest.configuration[name] for name in config} == config


@pytest.mark.parametrize(
    ("asset", "config"),
    [
        ("sft_dataset", {"preset": "bold"}),
        ("sft_dataset", {"min_rewrd": 0.5}),
        ("dpo_dataset", {"per_prompt": "two"}),
        ("grpo_dataset", {"selection": "best"}),
        ("kto_dataset", {"good_from": []}),
    ],
    ids=str,
)
def test_what_the_launchpad_cannot_mean_is_refused_before_the_run(job: dg.JobDefinition, asset: str, config: dict):
    with pytest.raises(dg.DagsterInvalidConfigError):
        dg.validate_run_config(job, chosen(asset, **config))


def test_every_choice_of_a_dataset_has_a_usable_default(job: dg.JobDefinition):
    names = [f"{kind}_dataset" for kind in ("sft", "dpo", "reward", "kto", "grpo")]
    filled = dg.validate_run_config(job, {})["ops"]
    assert all(filled[name]["config"] for name in names)
    assert filled["dpo_dataset"]["config"]["margin"] == 0.2
    assert filled["grpo_dataset"]["config"]["group_size"] == 4
