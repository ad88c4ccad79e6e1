"""The graph as users see it, and what loading it costs."""

import os
import subprocess
import sys
from functools import cache

import dagster as dg
import pytest

from rl_assets.definitions import build_defs, defs
from rl_assets.tables.dataset_ledger import DATASETS

HEAVY = ("torch", "transformers", "trl", "peft", "great_expectations", "sentence_transformers", "ray")
RAW = ("feedback", "ingested_files", "interactions", "rejected_records")
IMAGES = ("markdown_image_pairs", "excluded_images", "text_sections", "image_sources")
GROUPS = {"raw", "datasets", "adapters", "offline_adapters", "serving", "routing", "reports", "images", "rewards"}
IN_NO_JOB = {
    *("grpo_adapter", "kto_adapter", "ppo_adapter", "reward_model", "second_reward_model"),
    *("quantized_model", "multimodal_vision_adapter", "bandit_state", "ope_report"),
    *("rated_dimensions", "dimension_rewards", "ruler_groups", "synthetic_feedback"),
    *("active_learning_queue", "self_analysis"),
}
GRAPH = {
    **{name: set() for name in RAW},
    "interaction_features": {"interactions", "feedback"},
    "rated_interactions": {"interactions", "feedback", "interaction_features"},
    "teacher_answers": {"rated_interactions"},
    "sft_dataset": {"rated_interactions", "teacher_answers", "synthetic_feedback"},
    "dpo_dataset": {"rated_interactions", "judge_preferences", "synthetic_feedback"},
    "reward_dataset": {"rated_interactions", "judge_preferences", "synthetic_feedback"},
    "kto_dataset": {"rated_interactions", "synthetic_feedback"},
    "grpo_dataset": {"rated_interactions", "ruler_groups", "synthetic_feedback"},
    "ruler_groups": {"rated_interactions"},
    "synthetic_feedback": {"rated_interactions"},
    "dataset_ledger": {"rated_interactions", *DATASETS},
    "interaction_stats": {"rated_interactions", *DATASETS},
    **{name: set() for name in IMAGES},
    "image_index": {"markdown_image_pairs"},
    "multimodal_sft_dataset": {"markdown_image_pairs", "text_sections"},
    "multimodal_grpo_dataset": {"markdown_image_pairs", "text_sections"},
    "multimodal_vision_dataset": {"markdown_image_pairs"},
    "multimodal_sft_adapter": {"base_model", "multimodal_sft_dataset"},
    "multimodal_grpo_adapter": {"base_model", "multimodal_grpo_dataset", "multimodal_sft_adapter"},
    "multimodal_vision_adapter": {"multimodal_vision_dataset"},
    "multimodal_report": {
        *("base_model", "multimodal_sft_dataset", "multimodal_sft_adapter", "multimodal_grpo_adapter"),
    },
    "base_model": set(),
    "sft_adapter": {"base_model", "sft_dataset"},
    "dpo_adapter": {"base_model", "dpo_dataset", "sft_adapter"},
    "reward_model": {"base_model", "reward_dataset"},
    "second_reward_model": {"base_model", "reward_dataset"},
    "kto_adapter": {"base_model", "kto_dataset", "sft_adapter"},
    "quantized_model": {"base_model", "sft_dataset", "sft_adapter", "dpo_adapter"},
    "grpo_adapter": {"base_model", "grpo_dataset", "sft_adapter", "dpo_adapter", "reward_model"},
    "ppo_adapter": {"base_model", "grpo_dataset", "sft_adapter", "dpo_adapter", "reward_model"},
    "eval_report": {
        *("base_model", "rated_interactions", "sft_dataset", "dpo_dataset"),
        *("sft_adapter", "dpo_adapter", "kto_adapter", "grpo_adapter", "ppo_adapter"),
    },
    "adapter_ab_report": {"eval_report"},
    "decision_evidence": {"eval_report"},
    "review_queue": {"eval_report"},
    "promotion_decision": {"eval_report", "decision_evidence", "review_queue", "feedback"},
    "served_champion": {"promotion_decision"},
    "routing_table": {"bandit_state", "served_champion"},
    "ab_report": {"rated_interactions"},
    "feedback_insights": {"rated_interactions"},
    "judge_preferences": {"rated_interactions"},
    "rated_dimensions": {"rated_interactions"},
    "dimension_rewards": {"rated_dimensions"},
    "self_analysis": {"rated_interactions"},
    "active_learning_queue": {"rated_interactions", "judge_preferences"},
    "bandit_state": {"rated_interactions", "interactions"},
    "ope_report": {"rated_interactions", "interactions", "bandit_state"},
}


@cache
def specs() -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


def load(script: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_asset_is_made_of_what_the_graph_says():
    found = {name: {dep.asset_key.to_user_string() for dep in spec.deps} for name, spec in specs().items()}
    assert found == GRAPH


@pytest.mark.parametrize("name", GRAPH)
def test_every_asset_says_what_it_is_who_owns_it_and_what_it_is_made_with(name):
    spec = specs()[name]
    assert spec.description and spec.owners and spec.kinds and spec.group_name in GROUPS


@pytest.mark.parametrize(
    "name",
    [*RAW, *IMAGES, "rated_interactions", "dataset_ledger", "interaction_stats", "bandit_state", "rated_dimensions"],
)
def test_every_table_shows_its_columns_with_descriptions(name):
    schema = specs()[name].metadata["dagster/column_schema"]
    assert schema.columns and all(column.description for column in schema.columns)


def test_loading_the_definitions_imports_nothing_heavy():
    loaded = load("import sys, rl_assets.definitions; print(*sorted({name.partition('.')[0] for name in sys.modules}))")
    assert loaded.returncode == 0, loaded.stderr
    assert not set(HEAVY) & set(loaded.stdout.split())


def test_an_unknown_setting_stops_the_load_with_a_sentence():
    loaded = load("import rl_assets.definitions", RL_ASSETS_WINDOWDAYS="7")
    assert loaded.returncode != 0
    assert "unknown setting RL_ASSETS_WINDOWDAYS: did you mean RL_ASSETS_WINDOW_DAYS?" in loaded.stderr


def test_the_jobs_are_the_two_halves_of_the_night_and_the_whole():
    names = {
        job: {key.to_user_string() for key in defs.resolve_job_def(job).asset_layer.executable_asset_keys}
        for job in ("datasets_job", "retrain_job", "full_job", "images_job", "multimodal_job", "serve")
    }
    assert names["datasets_job"] | names["retrain_job"] == names["full_job"]
    assert names["full_job"] | names["images_job"] | names["multimodal_job"] | names["serve"] | IN_NO_JOB == set(GRAPH)
    assert not names["datasets_job"] & names["retrain_job"]


@pytest.mark.slow  # Loads the definitions in a process of its own.
def test_with_a_router_file_the_nightly_run_learns_shares_and_puts_none_in_force():
    script = (
        "from rl_assets.definitions import defs\n"
        "print(*(key.to_user_string() for key in defs.resolve_job_def('full_job').asset_layer.executable_asset_keys))"
    )
    loaded = load(script, RL_ASSETS_ROUTER="router.yaml")
    assert loaded.returncode == 0, loaded.stderr
    assert {"bandit_state", "ope_report", "promotion_decision"} <= set(loaded.stdout.split())
    assert "routing_table" not in loaded.stdout.split()


def test_the_nightly_schedule_runs_yesterdays_partition_at_two():
    schedule = defs.resolve_schedule_def("nightly_retrain")
    assert (schedule.cron_schedule, schedule.job_name) == ("0 2 * * *", "full_job")


def test_only_steps_that_train_or_generate_take_the_gpu_pool():
    pools = {key.to_user_string(): node.op.pool for node in defs.assets for key in node.keys}
    assert {name for name, pool in pools.items() if pool == "gpu"} == {
        "base_model",
        "sft_adapter",
        "dpo_adapter",
        *("grpo_adapter", "kto_adapter", "ppo_adapter"),
        *("reward_model", "second_reward_model", "quantized_model"),
        "eval_report",
        *("multimodal_sft_adapter", "multimodal_grpo_adapter", "multimodal_vision_adapter", "multimodal_report"),
    }


def test_resources_and_executor_can_be_replaced():
    fake = dg.ResourceDefinition.hardcoded_resource("other")
    other = build_defs(resources={"home": fake}, executor=dg.in_process_executor)
    assert other.resources["home"] is fake and other.executor is dg.in_process_executor
