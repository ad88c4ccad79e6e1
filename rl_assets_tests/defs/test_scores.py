"""Scores under a vendor's own name, from the files in landing to the reward of each answer and the rows of datasets."""

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
from dotenv import dotenv_values

from rl_assets.definitions import build_defs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.lake.delta import Lake
from rl_assets.recipes.recipe import Recipe, named_recipe
from rl_assets.settings import Settings
from rl_assets.tables.dataset_manifest import require_manifest
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.training.data.rows import TrainingRows, read_split
from rl_assets_tests.support.logs import DAY, Product, Row, about, interaction, later, reward
from rl_assets_tests.support.rated_days import check, metadata, rate, rewards

NAMES = {
    "overall alone": {"overall": 0.9},
    "another name alone": {"user-feedback": 0.25},
    "overall beside another": {"overall": 0.9, "tone": 0.1},
    "several": {"tone": 0.1, "facts": 0.7},
}


def trace(name: str, scores: dict[str, float], source: str = "API", day: date = DAY) -> Row:
    """A trace of Langfuse with scores by name, each by a person of its own."""
    listed = [
        {"id": f"{name}-{key}", "name": key, "value": value, "source": source, "authorUserId": f"by {key}"}
        for key, value in scores.items()
    ]
    turn = {"role": "user", "content": f"How do I reset the router {name}?"}
    generation = {"type": "GENERATION", "input": [turn], "output": f"Hold the button of {name}."}
    about_it = {"id": name, "timestamp": f"{day}T09:00:00Z", "scores": listed}
    return {"trace": about_it, "observations": [generation]}


def decided_by(product: Product, day: date = DAY) -> dict[str, str | None]:
    return {row["interaction_id"]: row["reward_dimension"] for row in product.rows(RATED_INTERACTIONS, day)}


def setting_in(sentence: str | None) -> str:
    """The line of a check's sentence that is to be copied."""
    (line,) = [line for line in str(sentence).splitlines() if line.startswith("RL_ASSETS_METRICS=")]
    return line


def metrics_of_env(line: str, folder: Path) -> dict[str, Row]:
    """The setting as a `.env` file with that line gives it, and as a shell does."""
    env = folder / "copied.env"
    env.write_text(line + "\n", encoding="utf-8")
    command = f"{line} python3 -c 'import os; print(os.environ[\"RL_ASSETS_METRICS\"])'"
    of_shell = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, env={**os.environ})
    value = dotenv_values(env)["RL_ASSETS_METRICS"]
    assert value is not None and of_shell.stdout.strip() == value
    return json.loads(value)


@pytest.mark.slow  # Builds days for seconds.
def test_a_single_human_score_decides_whatever_its_name_and_several_do_not(
    product: Product, instance: dg.DagsterInstance
) -> None:
    """Scores of traces, one that was retracted, and a rater's verdicts with times and without, in either order."""
    product.log(*(trace(name, scores) for name, scores in NAMES.items()), log_format="langfuse")
    product.log(*map(interaction, ("retracted", "timed first", "timed last")))
    product.log(
        reward("timed last", 1.0, user_id="u", timestamp=None),
        reward("timed last", 0.0, user_id="u"),
        reward("timed first", 0.0, user_id="u"),
        reward("timed first", 1.0, user_id="u", timestamp=None),
        reward("retracted", 1.0, user_id="u", timestamp=f"{DAY}T12:00:00Z"),
        reward("retracted", 0.3, user_id="u", dimension="tone"),
        {"type": "retraction", "interaction_id": "retracted", "user_id": "u"},
        log_format="reward_log",
    )
    result = rate(product, instance)
    assert rewards(product) == {
        "overall alone": 0.9,
        "another name alone": 0.25,
        "overall beside another": 0.9,
        "several": None,
        "retracted": 0.3,
        "timed first": 1.0,
        "timed last": 0.0,
    }
    assert decided_by(product)["another name alone"] == "user-feedback"
    assert "`user-feedback` | `1` | `0.25`" in metadata(result, RATED_INTERACTIONS.name)["counted_as_overall"]


@pytest.mark.slow  # Builds days for seconds.
def test_showings_of_one_text_pool_the_scores_that_decide_and_the_last_of_each_rater(
    product: Product, instance: dg.DagsterInstance
) -> None:
    product.log(*(interaction(name, answer="On its way.") for name in "abc"))
    product.log(*(interaction(name, query="When?", answer="On Monday.") for name in "zyx"), name="zyx.jsonl")
    untimed = {"timestamp": None, "user_id": "u"}
    product.log(
        reward("a", 1.0, dimension="app", user_id="u"),
        reward("b", 0.0, dimension="web", user_id="v"),
        reward("c", 0.5, user_id="w"),
        reward("y", 0.2, user_id="u", timestamp=f"{DAY}T11:00:00Z"),
        reward("z", 0.4, **untimed),
        reward("x", 0.6, **untimed),
        log_format="reward_log",
    )
    rate(product, instance)
    rated = {row["interaction_id"]: row for row in product.rows(RATED_INTERACTIONS, DAY)}
    pooled = {name: (row["pooled_reward"], row["pooled_raters"]) for name, row in rated.items()}
    assert pooled == dict.fromkeys("abc", (0.5, 3)) | dict.fromkeys("zyx", (0.6, 1))


@pytest.mark.slow  # Several seconds of CPU.
def test_scores_that_no_dataset_reads_are_named_with_a_line_that_works_as_it_stands(
    product: Product, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    hostile = 'it\'s "good" \\ größer'
    product.log(*(trace(f"a{i}", {"tone": 0.1, "facts": 0.7}) for i in range(3)), log_format="langfuse")
    product.log(trace("b", {hostile: 0.5, "x": 0.4}), log_format="langfuse", name="b.jsonl")
    product.log(interaction("c", quality_scores={"helpful": 8}), interaction("d", quality_scores={"overall": 0.3}))
    scale = {"helpful": {"worst": 0, "best": 10}}
    warned = check(rate(product, instance, metrics=scale), "scores_are_read")
    assert not warned.passed and warned.severity == dg.AssetCheckSeverity.WARN
    for name in ("facts (human, 3)", "tone (human, 3)", "helpful (judge, 1)", f"{hostile} (human, 1)"):
        assert name in str(warned.description)
    assert rewards(product) == {"a0": None, "a1": None, "a2": None, "b": None, "c": None, "d": 0.3}

    metrics = metrics_of_env(setting_in(warned.description), tmp_path)
    result = rate(product, instance, metrics=metrics)
    assert check(result, "scores_are_read").passed
    assert rewards(product) == {"a0": 0.7, "a1": 0.7, "a2": 0.7, "b": 0.5, "c": 0.8, "d": 0.3}


@pytest.mark.slow  # Several seconds of CPU.
def test_a_name_that_a_metric_already_measures_is_mapped_at_that_metric(
    product: Product, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    product.log(trace("a", {"stars": 4, "tone": 0.1}), log_format="langfuse")
    scale = {"langfuse.stars": {"worst": 1, "best": 5, "dimension": "aim"}}
    warned = check(rate(product, instance, metrics=scale), "scores_are_read")
    metrics = metrics_of_env(setting_in(warned.description), tmp_path)
    assert metrics["langfuse.stars"]["dimension"] == "overall"
    rate(product, instance, metrics=metrics)
    assert rewards(product) == {"a": 0.75}


@pytest.mark.slow  # Builds days for seconds.
def test_scores_by_people_that_a_judges_hides_are_named_too(product: Product, instance: dg.DagsterInstance) -> None:
    product.log(interaction("a", quality_scores={"overall": 0.9, "style": 0.2}))
    product.log(reward("a", 0.1, dimension="tone"), reward("a", 0.2, dimension="facts"), log_format="reward_log")
    warned = check(rate(product, instance), "scores_are_read")
    assert "facts (human, 1), tone (human, 1)." in str(warned.description)
    assert rewards(product) == {"a": 0.9}


@pytest.mark.slow  # Builds days for seconds.
def test_a_metric_that_a_machine_computes_is_no_persons_once_that_is_said(
    product: Product, instance: dg.DagsterInstance
) -> None:
    product.log(trace("a", {"exact_match": 1.0, "liked": 0.0}), log_format="langfuse")
    product.log(interaction("b"))
    product.log(reward("b", 1.0, dimension="exact_match"), log_format="reward_log")
    computed = {"exact_match": {"source": "verifier", "dimension": "overall"}}
    rate(product, instance, metrics=computed)
    sources = {row["interaction_id"]: row["reward_source"] for row in product.rows(RATED_INTERACTIONS, DAY)}
    assert (rewards(product), sources) == ({"a": 0.0, "b": 1.0}, {"a": "human", "b": "verifier"})


@pytest.mark.slow  # Several seconds of CPU.
def test_one_score_outside_its_range_warns_that_the_others_may_be_on_another_scale(
    product: Product, instance: dg.DagsterInstance
) -> None:
    product.log(
        *(trace(f"t{number}", {"stars": 1}) for number in range(60)), trace("t60", {"stars": 5}), log_format="langfuse"
    )
    warned = check(rate(product, instance), "ratings_fit_their_scale")
    assert not warned.passed
    assert "1 of the field `stars` are not between 0 and 1 (they go from 5 to 5)" in str(warned.description)
    assert '{"langfuse.stars": {"worst": ..., "best": ...}}' in str(warned.description)

    result = rate(product, instance, metrics={"langfuse.stars": {"worst": 1, "best": 5}})
    assert check(result, "ratings_fit_their_scale").passed
    assert set(rewards(product).values()) == {0.0, 1.0}


@pytest.mark.slow  # Several seconds of CPU.
def test_a_metric_of_one_name_has_a_range_per_log_format(product: Product, instance: dg.DagsterInstance) -> None:
    product.log(interaction("a"))
    product.log(trace("b", {"rating": -1}), log_format="langfuse")
    product.log(about("a", "f1", "rating", rating=5), log_format="feedback_table")
    product.log(interaction("c", quality_scores={"rating": 0.5}), name="c.jsonl")
    scales = {"langfuse.rating": {"worst": -1, "best": 1}, "feedback_table.rating": {"worst": 0, "best": 10}}
    result = rate(product, instance, metrics=scales)
    assert check(result, "ratings_fit_their_scale").passed
    assert rewards(product) == {"a": 0.5, "b": 0.0, "c": None}


@pytest.mark.slow  # Several seconds of CPU.
def test_feedback_on_answers_older_than_the_window_has_a_count_of_its_own(
    product: Product, instance: dg.DagsterInstance
) -> None:
    product.log(interaction("old", session_id="s"))
    product.log(interaction("new", timestamp=f"{later(5)}T10:00:00Z"), day=later(5))
    given = [reward(name, 1.0, timestamp=f"{later(5)}T11:00:00Z") for name in ("old", "s", "never", "new")]
    product.log(*given, log_format="reward_log", day=later(5))
    rate(product, instance)
    shown = metadata(rate(product, instance, later(5), window_days=3), RATED_INTERACTIONS.name)
    assert (shown["feedback_on_older_answers"], shown["feedback_without_answer"]) == (2, 1)


def datasets(home: Path) -> Product:
    """The product of a home after the datasets job, with all days in the window."""
    resources = {"home": HomeResource.from_settings(Settings(home=home, window_days=None))}
    job = build_defs(resources=resources, executor=dg.in_process_executor).resolve_job_def("datasets_job")
    assert job.execute_in_process(partition_key=str(DAY)).success
    return Product(home / "landing", Lake(str(home / "lake")))


def selected(home: Path, names: Iterable[str]) -> dict[str, int]:
    manifests = {name: require_manifest(home / "datasets" / f"{name}_dataset" / str(DAY)) for name in names}
    return {name: sum(manifest.rows.values()) for name, manifest in manifests.items()}


@pytest.mark.slow
def test_the_published_gateway_log_reaches_datasets_by_default(tmp_path: Path, published_data: Path) -> None:
    product = Product(tmp_path / "landing", Lake(str(tmp_path / "lake")))
    for path in (published_data / "logs-tensorzero").glob("*.jsonl"):
        product.log(path.read_bytes().rstrip(b"\n"), log_format="tensorzero", name=path.name)
    datasets(tmp_path)
    decided = Counter(decided_by(product).values())
    assert decided == {None: 1016, "solved": 570, "haiku_score": 128, "jaccard_similarity": 45, "exact_match": 15}
    assert selected(tmp_path, ("sft", "kto")) == {"sft": 375, "kto": 811}

    recipe = tmp_path / "haikus.yaml"
    recipe.write_text("preset: tiny_cpu\ntasks: [write_haiku]\nsources: [tensorzero]\n", encoding="utf-8")
    kept = sft_rows(tmp_path / "datasets" / "sft_dataset" / str(DAY), named_recipe(str(recipe)))
    assert {row["task"] for row in kept} == {"write_haiku"} and len(kept) < 344


def sft_rows(folder: Path, recipe: Recipe) -> list[Row]:
    """What the recipe keeps of the training rows, as their metadata."""
    kept = TrainingRows()
    return [row["metadata"] for row in read_split(folder, ["messages"], recipe, kept)]
