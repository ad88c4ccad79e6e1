"""Synthetic rewards land as any log does, and datasets are built as a user launches them: nothing passes silently."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq
import pytest

from rl_assets.definitions import build_defs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.settings import Settings
from rl_assets.tables.dataset_ledger import DATASETS
from rl_assets.tables.dataset_manifest import DatasetManifest, read_manifest
from rl_assets_tests.support.logs import DAY, Product, Row, interaction, judged, reward

pytestmark = pytest.mark.slow  # Builds five datasets several times.

PROMPTS = 120
RAW = ("interactions", "feedback", "rejected_records", "ingested_files", "interaction_features", "rated_interactions")
Build = Callable[..., dict[str, DatasetManifest]]


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A product with judged answers to some prompts, and two unjudged ones to each of the others."""
    home = tmp_path_factory.mktemp("synthetic")
    product = Product.at(home)
    lines = [line for n in range(PROMPTS) for line in answers(n)]
    product.log(*lines)
    return home


def answers(n: int) -> list[Row]:
    query = f"Question {n}: what does part {n * 7919} cost, and who sells it?"
    texts = [f"Part {n} costs {n} euros at the shop.", f"Nobody knows what number {n} may cost, sorry."]
    if n % 4 == 0:
        return [judged(f"j{n}-{i}", 0.9 - 0.8 * i, query=query, answer=text) for i, text in enumerate(texts)]
    return [interaction(f"u{n}-{i}", query=query, answer=text) for i, text in enumerate(texts)]


@pytest.fixture(scope="module")
def build(home: Path) -> Build:
    """Launch the raw tables and all datasets of the day, with one configuration for each; their manifests."""
    defs = build_defs(
        resources={"home": HomeResource.from_settings(Settings(home=home))}, executor=dg.in_process_executor
    )

    def run(instance: dg.DagsterInstance, **config: object) -> dict[str, DatasetManifest]:
        keys = [dg.AssetKey(name) for name in (*RAW, *DATASETS)]
        job = defs.resolve_implicit_job_def_def_for_assets(keys)
        ops = {name: {"config": config} for name in DATASETS}
        result = job.execute_in_process(
            instance=instance, asset_selection=keys, partition_key=str(DAY), run_config={"ops": ops}
        )
        assert result.success
        found = {name: read_manifest(home / "datasets" / name / str(DAY)) for name in DATASETS}
        return {name: manifest for name, manifest in found.items() if manifest}

    return run


def test_synthetic_rewards_change_no_dataset_until_asked_for_and_then_training_rows_alone(home, build, instance):
    before = build(instance)
    assert set(before) == set(DATASETS) and all(sum(manifest.rows.values()) for manifest in before.values())
    assert {source for manifest in before.values() for source in manifest.sources} == {"judge"}

    scores = {0: 0.9, 1: 0.1}
    synthetic = [
        reward(f"{'j' if n % 4 == 0 else 'u'}{n}-{i}", scores[i], source="synthetic", user_id="crew/critic")
        for n in range(PROMPTS)
        for i in scores
    ]
    Product.at(home).log(*synthetic, log_format="reward_log", name="crew.jsonl")
    unasked = build(instance)
    assert {name: manifest.sha256 for name, manifest in unasked.items()} == {
        name: manifest.sha256 for name, manifest in before.items()
    }
    assert all(manifest.answer_outcomes["synthetic_not_asked_for"] == 180 for manifest in unasked.values())

    asked = build(instance, sources=["human", "verifier", "judge", "synthetic"])
    for name, manifest in asked.items():
        assert manifest.rows["train"] > before[name].rows["train"]
        assert [manifest.rows[split] for split in ("validation", "test")] == [
            before[name].rows[split] for split in ("validation", "test")
        ]
        assert manifest.sources["synthetic"] > manifest.sources["judge"] > 0
        assert manifest.answer_outcomes["synthetic_held_out"] > 0
        assert manifest.checks["held_out_rows_are_not_synthetic"].passed
        assert not manifest.checks["synthetic_rows_are_a_minority"].passed
        folder = home / "datasets" / name / str(DAY)
        assert "| synthetic | " in (folder / "README.md").read_text(encoding="utf-8")
        source = "scorer" if name == "grpo_dataset" else "reward_source"
        held_out = [row for split in ("validation", "test") for row in rows(folder / f"{split}.parquet")]
        assert all(row["metadata"][source] == "judge" for row in held_out)


def rows(path: Path) -> list[Row]:
    return pq.read_table(path).to_pylist()
