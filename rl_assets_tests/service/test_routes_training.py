"""The REST routes of training on a small real lake: fields, counts that SQL on the tables gives too, and bad input."""

import ast
import base64
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import select

from rl_assets.datasets.builders import build_grpo, build_pairs, build_sft
from rl_assets.datasets.policies import DpoPolicy, GrpoPolicy, SftPolicy
from rl_assets.models.base_models import ensure_base_model
from rl_assets.service.schema import answers
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import INTERACTIONS
from rl_assets_tests.support.logs import Product, later
from rl_assets_tests.support.rest_service import TRAINING, client_of, rated_home, service_at
from rl_assets_tests.support.training_samples import SMALL

LAST = later(1)
SFT = f"{TRAINING}/dataset/sft"
LINE = {
    "interaction_id": "new-1",
    "timestamp": "2026-10-03T08:00:00Z",
    "query": "Why?",
    "answer": "So.",
    "agent_type": "desk",
}


@pytest.fixture(scope="module")
def product(tmp_path_factory) -> Product:
    return rated_home(tmp_path_factory.mktemp("rest"))


@pytest.fixture(scope="module")
def service(product: Product):
    return service_at(product.landing.parent)


@pytest.fixture(scope="module")
def client(service):
    with client_of(service) as opened:
        yield opened


def sql(product: Product, statement: str) -> list[tuple]:
    """A statement on `rated`, the newest rated answers, and `interactions`, all that landed."""
    rated = product.lake.read(RATED_INTERACTIONS, [LAST]).to_table()
    interactions = product.lake.read(INTERACTIONS, product.lake.days(INTERACTIONS)).to_table()
    return duckdb.connect().register("rated", rated).register("interactions", interactions).sql(statement).fetchall()


def test_stats_are_what_sql_counts(client, product: Product):
    reply = client.get(f"{TRAINING}/stats").json()
    ((total, good, failed, rated),) = sql(
        product,
        "SELECT count(*), count(*) FILTER (reward > 0.7999 AND NOT error), count(*) FILTER (error), count(reward) "
        "FROM rated",
    )
    agents = dict(sql(product, "SELECT 'agent_' || agent || '_count', count(*) FROM rated GROUP BY ALL"))
    assert reply == {
        "total_interactions": total,
        "high_quality_count": good,
        "error_count": failed,
        "high_quality_rate": good / rated,
        "error_rate": failed / total,
        "agent_stats": agents,
        "as_of": str(LAST),
        "waiting": 0,
    }
    assert (total, failed) == (71, 3) and len(agents) == 2


def test_a_query_pages_through_the_answers_newest_first(client, product: Product):
    pages, cursor = [], None
    while not pages or cursor:
        reply = client.post(f"{TRAINING}/interactions/query", json={"limit": 30, "cursor": cursor}).json()
        assert reply.keys() == {"interactions", "count", "next", "as_of"} and reply["count"] == len(
            reply["interactions"]
        )
        pages.append(reply["interactions"])
        cursor = reply["next"]
    assert [len(page) for page in pages] == [30, 30, 11]
    expected = sql(product, "SELECT interaction_id FROM interactions ORDER BY answered_at DESC, interaction_id DESC")
    assert [(row["interaction_id"],) for page in pages for row in page] == expected
    row = next(row for page in pages for row in page if row["interaction_id"] == "i-0-3-1")
    assert row == {
        "interaction_id": "i-0-3-1",
        "timestamp": "2026-10-01T10:03:01+00:00",
        "query": "What does the valve number 23757 of block 3 cost today?",
        "answer": "The valve costs 4 euros and ships within 3 days.",
        "agent_type": "search",
        "quality_scores": {"overall": 0.7},
        "latency_ms": 103.0,
    }


def test_a_query_filters_by_time_agent_and_quality(client, product: Product):
    asked = {"start_time": "2026-10-02T00:00:00", "agent_type": "desk", "high_quality_only": True}
    reply = client.post(f"{TRAINING}/interactions/query", json=asked).json()
    expected = sql(
        product,
        "SELECT interaction_id FROM rated WHERE answered_at >= '2026-10-02' AND agent = 'desk' AND reward >= 0.8 "
        "AND NOT error ORDER BY answered_at DESC, interaction_id DESC",
    )
    assert [(row["interaction_id"],) for row in reply["interactions"]] == expected and len(expected) == 15
    before = client.post(f"{TRAINING}/interactions/query", json={"end_time": "2026-10-02T00:00:00Z"}).json()
    assert before["count"] == 48


def built(product: Product, build: Any, policy: Any) -> list[dict[str, Any]]:
    """The training rows that the assets would publish."""
    _, rows = product.build(build, policy, LAST)
    return [row for row in rows if row["split"] == "train"]


def test_an_sft_dataset_has_the_rows_of_the_asset(client, product: Product):
    reply = client.post(SFT, json={}).json()
    expected = built(product, build_sft, SftPolicy())
    assert reply.keys() == {"dataset", "count", "saved_to", "metadata", "as_of"}
    assert [row["messages"] for row in reply["dataset"]] == [row["messages"] for row in expected]
    assert reply["count"] == len(expected) > 15 and reply["saved_to"] is None and reply["as_of"] == str(LAST)
    assert reply["metadata"] == {"min_quality": 0.8, "format": "huggingface_sft"}
    assert reply["dataset"][0]["metadata"].keys() == {"quality_score", "agent_type", "latency_ms"}
    few = client.post(SFT, json={"max_samples": 5, "agent_types": ["desk"], "days_back": 1, "min_quality": 0.9}).json()
    assert few["count"] == 5 and all(row["metadata"]["agent_type"] == "desk" for row in few["dataset"])


def test_a_dpo_dataset_has_the_pairs_of_the_asset(client, product: Product):
    reply = client.post(f"{TRAINING}/dataset/dpo", json={}).json()
    expected = built(product, build_pairs, DpoPolicy())
    assert reply["count"] == len(expected) > 3 and reply["metadata"]["format"] == "huggingface_dpo"
    for row, asset in zip(reply["dataset"], expected, strict=True):
        assert [row[side] for side in ("prompt", "chosen", "rejected")] == [
            asset[side] for side in ("prompt", "chosen", "rejected")
        ]
        scores = row["metadata"]
        assert scores["quality_diff"] == pytest.approx(scores["chosen_score"] - scores["rejected_score"])
        assert scores["quality_diff"] >= 0.2


def test_a_grpo_dataset_has_the_groups_of_the_asset(client, product: Product):
    reply = client.post(f"{TRAINING}/dataset/grpo", json={"group_size": 3}).json()
    expected = built(product, build_grpo, GrpoPolicy(group_size=3))
    assert reply["count"] == len(expected) > 5 and reply["metadata"] == {"group_size": 3, "format": "huggingface_grpo"}
    rewards = [[answer["reward"] for answer in row["responses"]] for row in reply["dataset"]]
    assert rewards == [[answer["reward"] for answer in row["responses"]] for row in expected]
    assert reply["dataset"][0]["metadata"] == {"query_complexity": "moderate", "agent_type": "mixed"}
    assert client.post(f"{TRAINING}/dataset/grpo", json={"max_groups": 2}).json()["count"] == 2


@pytest.mark.slow
def test_dataset_statistics_are_those_of_the_datasets_that_can_be_made(client, product: Product):
    reply = client.get(f"{TRAINING}/dataset/stats").json()
    counts = {
        name: client.post(f"{TRAINING}/dataset/{kind}", json={}).json()["count"]
        for kind, name in (("sft", "sft_samples"), ("dpo", "dpo_pairs"), ("grpo", "grpo_groups"))
    }
    assert reply["potential_datasets"] == counts
    ((total, rated, days),) = sql(
        product, "SELECT count(*), count(reward), count(DISTINCT CAST(answered_at AS DATE)) FROM rated"
    )
    agents = dict(sql(product, "SELECT agent, count(*) FROM rated GROUP BY ALL"))
    assert (reply["total_interactions"], reply["with_quality_scores"], reply["days_covered"]) == (total, rated, days)
    assert reply["by_agent_type"] == agents and reply["recommendation"].startswith("few-shot prompting")
    assert reply["high_quality_rate"] == reply["high_quality"] / rated
    newest = client.get(f"{TRAINING}/dataset/stats?days_back=1").json()
    assert (newest["total_interactions"], newest["days_covered"]) == (23, 1)


def test_a_key_of_a_brand_sees_that_brand_alone(service, product: Product, tmp_path: Path):
    key = service_at(tmp_path, lake=product.lake.url).store.add_key("acme", ["read", "build"], "acme")
    with client_of(service_at(tmp_path, lake=product.lake.url), key) as acme:
        assert acme.get(f"{TRAINING}/stats").json()["total_interactions"] == 3
        assert acme.post(f"{TRAINING}/interactions/query", json={}).json()["count"] == 3
        assert acme.post(SFT, json={}).json()["count"] <= 3
        assert acme.post(f"{TRAINING}/interactions", json=LINE).status_code == 403
        assert acme.delete(f"{TRAINING}/interactions/cleanup").status_code == 403
        assert acme.get(f"{TRAINING}/health").json()["ok"]
    with client_of(service_at(tmp_path, lake=product.lake.url)) as nobody:
        assert nobody.get(f"{TRAINING}/stats").status_code == 401
        assert nobody.get("/health").status_code == 200


def test_a_key_of_a_brand_logs_answers_of_that_brand_alone(tmp_path: Path):
    service = service_at(tmp_path)
    with client_of(service, service.store.add_key("acme", ["log"], "acme")) as acme:
        other = acme.post(f"{TRAINING}/interactions", json=[LINE, {**LINE, "segment": "bolt"}])
        assert (other.status_code, other.json()["field"]) == (404, "1.segment")
        assert acme.post(f"{TRAINING}/interactions", json=LINE).status_code == 201
        assert acme.post(f"{TRAINING}/interactions", json={**LINE, "segment": "acme"}).json()["repeated"] == 1
    with service.store.database.read() as connection:
        (line,) = connection.execute(select(answers.c.line)).scalars()
    assert json.loads(line)["segment"] == "acme"


def test_health_names_version_database_and_newest_day(client):
    reply = client.get(f"{TRAINING}/health").json()
    assert reply.keys() == {"ok", "version", "database", "newest_day"}
    assert (reply["ok"], reply["database"], reply["newest_day"]) == (True, "sqlite", str(LAST))


def test_an_export_is_a_new_file_below_the_exports(client, product: Product):
    exports = product.landing.parent / "exports"
    reply = client.post(SFT, json={"save_to_file": "weekly/sft.jsonl"}).json()
    assert reply["saved_to"] == str(exports / "weekly" / "sft.jsonl")
    rows = [json.loads(line) for line in (exports / "weekly" / "sft.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows == reply["dataset"]
    assert not (product.landing.parent / "datasets").exists()
    (exports / "link").symlink_to(product.landing)
    (exports / "dangling.jsonl").symlink_to(product.landing / "nothing")
    names = ["/tmp/x.jsonl", "../x.jsonl", "a/../../x.jsonl", "link/x.jsonl", "weekly/sft.jsonl", "dangling.jsonl"]
    for name in [
        *names,
        "x.parquet",
        ".hidden.jsonl",
        "C:\\x.jsonl",
        "weekly/sft.jsonl/x.jsonl",
        "a\nb.jsonl",
        "~/../x",
        "ü" * 150 + ".jsonl",
    ]:
        refused = client.post(SFT, json={"save_to_file": name})
        assert (refused.status_code, refused.json()["field"]) == (400, "save_to_file"), name
    assert sorted(path.name for path in exports.rglob("*")) == ["dangling.jsonl", "link", "sft.jsonl", "weekly"]


def cursor(position: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode("ascii")).decode("ascii")


HOSTILE = [
    (SFT, {"min_quality": 1.2}, "min_quality"),
    (SFT, {"min_quality": "0.8"}, "min_quality"),
    (SFT, {"min_quality": True}, "min_quality"),
    (SFT, {"max_samples": 0}, "max_samples"),
    (SFT, {"days_back": 366}, "days_back"),
    (SFT, {"agent_types": "desk"}, "agent_types"),
    (SFT, {"unknown": 1}, "unknown"),
    (f"{TRAINING}/dataset/dpo", {"min_quality_diff": 0}, "min_quality_diff"),
    (f"{TRAINING}/dataset/grpo", {"group_size": 11}, "group_size"),
    (f"{TRAINING}/dataset/grpo", {"max_groups": 1.5}, "max_groups"),
    (f"{TRAINING}/interactions/query", {"limit": 1001}, "limit"),
    (f"{TRAINING}/interactions/query", {"start_time": "yesterday"}, "start_time"),
    (f"{TRAINING}/interactions/query", {"start_time": "0001-01-01T00:00:00Z"}, "start_time"),
    (f"{TRAINING}/interactions/query", {"end_time": "9999-12-31T23:59:59-14:00"}, "end_time"),
    (f"{TRAINING}/interactions/query", {"cursor": "e30="}, "cursor"),
    (f"{TRAINING}/interactions/query", {"cursor": cursor(["0001-01-01T00:00:00+14:00", "a"])}, "cursor"),
    (f"{TRAINING}/interactions/query", {"cursor": cursor(["2026-10-01T00:00:00", "\ud800"])}, "cursor"),
    (f"{TRAINING}/script/generate", {"script_type": "ppo", "dataset_path": "a", "output_dir": "b"}, "script_type"),
    (f"{TRAINING}/interactions", [], None),
    (f"{TRAINING}/interactions", "text", ""),
    (f"{TRAINING}/interactions", {**LINE, "timestamp": "never"}, "timestamp"),
    (f"{TRAINING}/interactions", {**LINE, "query": None}, "query"),
    (f"{TRAINING}/interactions", {**LINE, "latency_ms": -1}, "latency_ms"),
    (f"{TRAINING}/interactions", {**LINE, "tokens_used": 2**63}, "tokens_used"),
    (f"{TRAINING}/interactions", {**LINE, "query": "a\x00b"}, "query"),
    (f"{TRAINING}/interactions", [LINE, {**LINE, "propensity": 2}], "1.propensity"),
    (f"{TRAINING}/interactions", [LINE, 7], "1"),
    (f"{TRAINING}/interactions", [LINE] * 1001, None),
]


@pytest.mark.parametrize(("path", "body", "field"), HOSTILE)
def test_bad_input_is_refused_with_its_field(client, service, path: str, body: Any, field: str | None):
    before = service.store.counts()
    reply = client.post(path, json=body)
    assert reply.status_code == 422, reply.text
    detail = reply.json()
    assert detail.keys() == {"detail", "field"} and len(detail["detail"]) > 10
    assert (detail["field"] or None) == (field or None)
    assert service.store.counts() == before


@pytest.mark.parametrize("value", ["NaN", "Infinity", '"\\ud800"'])
def test_what_json_or_a_table_cannot_hold_is_refused(client, value: str):
    body = json.dumps(LINE).replace('"So."', value)
    reply = client.post(f"{TRAINING}/interactions", content=body, headers={"Content-Type": "application/json"})
    assert (reply.status_code, reply.json()["field"]) == (422, "answer")


@pytest.mark.parametrize("days", ["0", "366", "x"])
def test_days_out_of_range_are_refused(client, days: str):
    reply = client.get(f"{TRAINING}/dataset/stats?days_back={days}")
    assert (reply.status_code, reply.json()["field"]) == (422, "days_back")


def test_answers_are_kept_once_and_reported(tmp_path: Path):
    service = service_at(tmp_path)
    with client_of(service) as client:
        url = f"{TRAINING}/interactions"
        odd = {**LINE, "interaction_id": "new-2", "sources": [{"page": "a"}], "messages": [], "user_id": 7}
        first = client.post(url, json=[LINE, odd])
        assert (first.status_code, first.json()) == (201, {"accepted": 2, "new": 2, "repeated": 0})
        again = client.post(url, json=dict(reversed(LINE.items())))
        assert (again.status_code, again.json()) == (200, {"accepted": 1, "new": 0, "repeated": 1})
        other = client.post(url, json=[{**LINE, "answer": "No."}, {**LINE, "interaction_id": "new-3"}])
        assert (other.status_code, other.json()["field"]) == (409, "interaction_id")
        assert client.get(f"{TRAINING}/stats").json()["waiting"] == 3
        assert client.get(f"{TRAINING}/stats").json()["total_interactions"] == 0
        assert client.post(SFT, json={}).json()["dataset"] == []


@pytest.mark.slow
def test_cleanup_counts_an_answer_once_and_keeps_what_the_window_needs(tmp_path: Path):
    product = rated_home(tmp_path)
    url = f"{TRAINING}/interactions/cleanup"
    with client_of(service_at(tmp_path, window_days=1)) as client:
        refused = client.delete(f"{url}?days_to_keep=0")
        assert (refused.status_code, refused.json()["field"]) == (409, "days_to_keep")
        kept = client.request("DELETE", url, json={"days_to_keep": 1}).json()
        assert (kept["removed_count"], kept["days_kept"]) == (0, 1)
        removed = client.request("DELETE", url, json={"days_to_keep": 0, "force": True}).json()
        assert removed.keys() == {"removed_count", "days_kept", "message"}
        assert (removed["removed_count"], removed["days_kept"]) == (48, 0)
    assert product.lake.days(INTERACTIONS) == [LAST]


def script_of(client, **fields: Any):
    body = {"script_type": "sft", "dataset_path": "sft.jsonl", "output_dir": "out", **fields}
    return client.post(f"{TRAINING}/script/generate", json=body)


def test_a_script_holds_its_values_as_one_literal_and_compiles(client, product: Product):
    hostile = '"""\\\'); import os  # {x} @OURS@ \u2028'
    for kind in ("sft", "dpo", "grpo"):
        reply = script_of(client, script_type=kind, dataset_path=hostile, sft_model_path=hostile, config={"seed": 7})
        script = reply.json()["script"]
        compile(script, "train.py", "exec")
        (given,) = re.findall(r"^GIVEN = json\.loads\((.*)\)$", script, re.M)
        values = json.loads(ast.literal_eval(given))
        assert (values["data"], values["parent"], values["seed"]) == (hostile, hostile, 7)
        assert "rl_assets" not in script.replace(given, "")
    saved = script_of(client, save_to_file="train/sft.py", config={"learning_rate": 1e-3, "r": 4}).json()
    assert Path(saved["saved_to"]).read_text(encoding="utf-8") == saved["script"]
    assert (saved["script_type"], saved["config"]["learning_rate"], saved["config"]["r"]) == ("sft", 1e-3, 4)


def test_a_script_that_cannot_be_made_is_refused(client):
    assert script_of(client, script_type="dpo").status_code == 400
    assert script_of(client, script_type="dpo").json()["field"] == "sft_model_path"
    unknown = script_of(client, config={"learning_rat": 1})
    assert (unknown.status_code, unknown.json()["field"]) == (422, "config.learning_rat")
    assert "did you mean learning_rate?" in unknown.json()["detail"]
    assert script_of(client, config={"learning_rate": "fast"}).status_code == 422
    assert script_of(client, config={"beta": 0.1}).status_code == 422
    assert script_of(client, save_to_file="../x.py").status_code == 400


@pytest.mark.training
@pytest.mark.slow
def test_scripts_train_tiny_to_their_end_on_exported_files(client, product: Product, tmp_path: Path):
    ensure_base_model("tiny", product.landing.parent / "models", print, SMALL)
    for kind, parent in (("sft", None), ("dpo", "sft"), ("grpo", "sft")):
        exported = {"save_to_file": f"trained/{kind}.jsonl"}
        data = client.post(f"{TRAINING}/dataset/{kind}", json=exported).json()["saved_to"]
        reply = script_of(
            client,
            script_type=kind,
            dataset_path=data,
            output_dir=str(tmp_path / kind),
            sft_model_path=str(tmp_path / parent) if parent else None,
            save_to_file=f"trained/{kind}.py",
            config={"max_steps": 2, "effective_batch_size": 2},
        ).json()
        # Isolated: this project cannot be imported.
        command = [sys.executable, "-I", reply["saved_to"]]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr[-2000:]
        assert "2 steps, the adapter is in" in run.stdout
        assert (tmp_path / kind / "adapter_model.safetensors").is_file()
