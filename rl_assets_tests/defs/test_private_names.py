"""Personal data in ids, agents, categories and segments, from the file in landing through the datasets job."""

import json
from pathlib import Path
from uuid import UUID

import dagster as dg
import duckdb
import pytest

from rl_assets.datasets.ratings import Window, count_feedback
from rl_assets.definitions import build_defs
from rl_assets.governance.erasure import plan_erasure
from rl_assets.lake.delta import Lake
from rl_assets.lake.tombstones import Erased
from rl_assets.settings import load_settings
from rl_assets.tables.dataset_ledger import LEDGER
from rl_assets.tables.features import REDACTIONS
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets_tests.support.logs import DAY, USER_KEY, Product, Row, about, interaction
from rl_assets_tests.support.name_models import name_model

DATASETS = ("sft_dataset", "dpo_dataset", "reward_dataset", "kto_dataset", "grpo_dataset")
PLAIN = [str(UUID(int=2**100 + 7**30)), "9f86d081884c7d659a2feaa0c55ad015", "4111111111111111", "chat-20261001-000123"]
PERSONS = ["Ada Byron", "Grace Hopper", "Mary Shelley"]
PERSONAL = ["jane.doe@example.com/1", "+1 212 555 0143/7", "de89370400440532013000"]


def products_log(product: Product) -> None:
    """Good and bad answers whose ids, agents, categories and segments hold personal data, and some that hold none."""
    product.log(
        *(
            interaction(
                name,
                query=f"Who am I, asked Ada Byron as number {number}?",
                answer=f"You are a customer of {'ours, ' * (number % 7)}thank you." if good else "No idea at all.",
                agent_type="desk of jo@example.com" if number % 2 else "desk",
                category="tickets of eve@example.com",
                user_rating=5 if good else 1,
            )
            for number, id_ in enumerate([*PERSONAL, *PLAIN])
            for name, good in ((id_, True), (f"bad-{number}", False))
        )
    )


def materialized(home: Path, monkeypatch: pytest.MonkeyPatch, **settings: str) -> Product:
    """The product of a home after the datasets job, with settings from the environment."""
    for name, value in {"home": str(home), "executor": "in_process", **settings}.items():
        monkeypatch.setenv(f"RL_ASSETS_{name.upper()}", value)
    job = build_defs().resolve_job_def("datasets_job")
    assert job.execute_in_process(partition_key=str(DAY)).success
    return Product(home / "landing", Lake(str(home / "lake")))


def refused_until_rated_again() -> None:
    """By another detector a dataset of the day as it stands is refused; rated and built again it is not."""
    job = build_defs().resolve_job_def("datasets_job")
    chosen = [dg.AssetKey("sft_dataset")]
    stale = job.execute_in_process(partition_key=str(DAY), asset_selection=chosen, raise_on_error=False)
    checks = {check.check_name: check.passed for check in stale.get_asset_check_evaluations()}
    assert not stale.success and not checks["no_personal_data_is_left"]
    chosen = [dg.AssetKey(name) for name in ("rated_interactions", *DATASETS)]
    assert job.execute_in_process(partition_key=str(DAY), asset_selection=chosen).success


def texts(home: Path) -> str:
    """All that the datasets of the day hold, as JSON."""
    files = [str(file) for name in DATASETS for file in (home / "datasets" / name / str(DAY)).glob("*.parquet")]
    return "\n".join(
        json.dumps(row, default=str)
        for file in files
        for row in duckdb.sql(f"FROM '{file}'").to_arrow_table().to_pylist()
    )


def ids(product: Product) -> set[str]:
    return {row["interaction_id"] for row in product.rows(LEDGER, DAY)}


@pytest.mark.slow  # Several seconds of CPU.
def test_personal_data_in_names_is_replaced_or_hashed_everywhere_and_found(tmp_path: Path, monkeypatch):
    product = Product(tmp_path / "landing", Lake(str(tmp_path / "lake")))
    products_log(product)
    product.log(about(PERSONAL[0], "f1", "correction", preferred_output="A friend."), log_format="feedback_table")
    materialized(tmp_path, monkeypatch)
    written = texts(tmp_path)
    for private in (*PERSONAL, "eve@", "jo@"):
        assert private not in written
    assert "tickets of <EMAIL>" in written and "desk of <EMAIL>" in written and '"A friend."' in written
    assert all(name in written for name in PLAIN)
    assert len(hashed := {name for name in ids(product) if name.startswith("id-")}) == len(PERSONAL)
    assert all(name in written for name in hashed)
    found: Row = {row["id"]: row["found"] for row in product.rows(REDACTIONS) if row["record"] == "interaction"}
    assert found[PERSONAL[0]] == ["EMAIL", "EMAIL"] and found[PERSONAL[2]] == ["EMAIL", "IBAN"]


@pytest.mark.slow
def test_feedback_finds_its_answer_though_ids_are_hashed(tmp_path: Path, monkeypatch):
    """By the id as it landed, in another file, or by the id of the session."""
    product = Product(tmp_path / "landing", Lake(str(tmp_path / "lake")))
    by_session = interaction("plain-1", session_id="chat of eve@example.com", query="Second?", answer="Number two.")
    product.log(*(interaction(name, query=f"{name}?", answer=f"About {name[:4]}.") for name in PERSONAL), by_session)
    judged = [about(name, f"f{n}", "thumbs_up", user_id="u") for n, name in enumerate(PERSONAL)]
    product.log(*judged, about("chat of eve@example.com", "f9", "thumbs_down"), log_format="feedback_table")
    materialized(tmp_path, monkeypatch)
    rated = {row["interaction_id"]: row["reward"] for row in product.rows(RATED_INTERACTIONS, DAY)}
    assert sorted(rated.values()) == [0.0, 1.0, 1.0, 1.0]
    assert rated["plain-1"] == 0.0 and not set(PERSONAL) & set(rated)
    counts = count_feedback(product.lake, Window(DAY, 30))
    assert (counts["feedback_events"], counts["feedback_without_answer"]) == (4, 0)


@pytest.mark.slow  # Several seconds of CPU.
def test_an_erasure_by_the_landed_id_finds_the_rows_of_its_hash(tmp_path: Path, monkeypatch):
    product = Product(tmp_path / "landing", Lake(str(tmp_path / "lake")))
    products_log(product)
    materialized(tmp_path, monkeypatch)
    order = Erased(frozenset({PERSONAL[0]}), frozenset())
    erasure = plan_erasure(load_settings().paths, product.lake, order, USER_KEY)
    assert {"sft_dataset", "dpo_dataset"} <= {dataset.name for dataset in erasure.datasets}
    assert {"interactions", "interaction_features", "rated_interactions", "dataset_ledger"} <= set(erasure.rows)


@pytest.mark.slow
def test_a_detector_of_ones_own_works_in_texts_and_check_and_makes_earlier_days_out_of_date(tmp_path, monkeypatch):
    product = Product(tmp_path / "landing", Lake(str(tmp_path / "lake")))
    products_log(product)
    materialized(tmp_path, monkeypatch)
    assert "Ada Byron" in texts(tmp_path)
    detector = "rl_assets_tests.support.detector_samples:codenames"
    monkeypatch.setenv("RL_ASSETS_DETECTORS", detector)
    refused_until_rated_again()
    assert "Ada Byron" not in texts(tmp_path) and "asked <PERSON> as number" in texts(tmp_path)


@pytest.mark.slow  # Builds days for seconds.
def test_a_detector_that_fails_fails_the_run_with_its_name(tmp_path, monkeypatch):
    product = Product(tmp_path / "landing", Lake(str(tmp_path / "lake")))
    products_log(product)
    monkeypatch.setenv("RL_ASSETS_HOME", str(tmp_path))
    monkeypatch.setenv("RL_ASSETS_DETECTORS", "rl_assets_tests.support.detector_samples:failing")
    job = build_defs(executor=dg.in_process_executor).resolve_job_def("datasets_job")
    result = job.execute_in_process(partition_key=str(DAY), raise_on_error=False)
    assert not result.success
    assert "detector_samples:failing failed on a text: RuntimeError" in str(
        [event.event_specific_data for event in result.all_events if event.is_step_failure]
    )


@pytest.mark.slow  # Several seconds of CPU.
def test_names_that_a_spacy_model_finds_are_in_no_dataset_and_another_model_makes_days_out_of_date(
    tmp_path: Path, monkeypatch
):
    product = Product(tmp_path / "landing", Lake(str(tmp_path / "lake")))
    product.log(
        interaction("Grace Hopper 7", answer="Mary Shelley did.", agent_type="desk of Ada Byron", user_rating=5),
        interaction("plain", answer="Mary Shelley, in 1818.", user_rating=1),
        interaction("other", query="Was it Ada Byron?", answer="It was Mary Shelley.", user_rating=5),
    )
    detector, before = "rl_assets.core.person_names:find", name_model(tmp_path / "before", "Nobody Else")
    materialized(tmp_path, monkeypatch, detectors=detector, names_model=str(before))
    assert all(name in texts(tmp_path) for name in PERSONS)
    monkeypatch.setenv("RL_ASSETS_NAMES_MODEL", str(name_model(tmp_path / "model", *PERSONS)))
    refused_until_rated_again()
    written = texts(tmp_path)
    assert not [name for name in PERSONS if name in written]
    assert "desk of <PERSON>" in written and "<PERSON> did." in written and "Was it <PERSON>?" in written
    assert '"id-' in written and '"other"' in written
