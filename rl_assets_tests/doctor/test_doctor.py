"""The doctor: everything ok on a laptop, and a message that says what to do about whatever is not."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

from rl_assets.doctor import machine_checks, service_checks, training_checks
from rl_assets.doctor.machine_checks import CheckResult
from rl_assets.settings import Settings
from rl_assets_tests.support.logs import Product, interaction
from rl_assets_tests.support.postgres import PostgresServer, postgres_server  # noqa: F401

ON_POSTGRES = Path(__file__).parents[2] / "deploy" / "dagster-postgres.yaml"


def only(results: Iterator[CheckResult], name: str) -> CheckResult:
    (result,) = [result for result in results if result.name == name]
    return result


def command(home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RL_ASSETS_", "DAGSTER_"))}
    return subprocess.run(
        [sys.executable, "-m", "rl_assets.doctor"],
        env={**kept, "RL_ASSETS_HOME": str(home), **environment},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )


class Models(BaseHTTPRequestHandler):
    """A service that has the model `wise` for those who know the key, and whose clock is a year behind."""

    def do_GET(self) -> None:
        known = self.headers["Authorization"] == "Bearer sesame"
        self.send_response_only(200 if known else 401)
        self.send_header("Date", "Fri, 21 Nov 2025 12:00:00 GMT")
        self.end_headers()
        self.wfile.write(json.dumps({"data": [{"id": "wise"}]} if known else {}).encode("utf-8"))

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def models() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Models)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()


def test_before_the_first_dataset_nothing_would_train(home):
    found = only(training_checks.tonight(Settings(home=home)), "tonight")
    assert found.status == "warning" and "there is no dataset yet" in found.message


def test_an_invalid_recipe_is_an_error_and_not_a_traceback(home, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("preset: tiny_cpu\nchat_template: {on_control_tokens: shout}\n", encoding="utf-8")
    settings = Settings(home=home, recipe=str(recipe))
    found = [*training_checks.recipe_fit(settings), *training_checks.tonight(settings)]
    assert [check.status for check in found] == ["error", "error"]
    assert "use 'drop' or 'escape'" in found[0].message


@pytest.mark.parametrize(
    ("base", "recipe", "status"),
    [
        ("tiny", "tiny_cpu", "warning"),
        ("tiny", "demo", "ok"),
        ("smollm2-135m", "tiny_cpu", "warning"),
        ("smollm2-135m", "lora_135m", "ok"),
    ],
)
def test_the_embedded_base_model_is_for_the_demo_and_its_recipe_for_no_other(base, recipe, status):
    settings = Settings(base_model=base, recipe=recipe)
    assert only(training_checks.base_model(settings), "base model").status == status


def judged(url: str, model: str = "wise", key: str | None = "sesame") -> Settings:
    return Settings(judge_base_url=url, judge_model=model, judge_api_key=key)


@pytest.mark.slow
def test_without_errors_it_exits_with_0(product, home):
    product.log(interaction())
    product.ingest()
    done = command(home)
    assert done.returncode == 0, done.stdout + done.stderr
    subjects = {line[len("WARNING  ") :].partition(":")[0] for line in done.stdout.splitlines()}
    assert {"packages", "settings", "home", "landing", "lake", "disk", "memory", "accelerator", "judge"} <= set(
        subjects
    )
    assert "ERROR" not in done.stdout


def test_an_unknown_setting_is_an_error_and_exits_with_1(home):
    done = command(home, RL_ASSETS_WINDOWDAYS="7")
    assert done.returncode == 1
    assert "ERROR    settings: unknown setting RL_ASSETS_WINDOWDAYS: did you mean" in done.stdout


def test_a_missing_home_is_a_warning(tmp_path):
    assert only(machine_checks.home_folder(Settings(home=tmp_path / "new")), "home").status == "warning"


def test_a_home_in_which_nothing_can_be_written_is_an_error():
    found = only(machine_checks.home_folder(Settings(home=Path("/proc"))), "home")
    assert found.status == "error" and "cannot be written to" in found.message


def test_a_secret_that_others_can_read_is_an_error(home):
    key = home / "user_hash.key"
    key.write_text("secret", encoding="utf-8")
    key.chmod(0o644)
    assert only(machine_checks.home_folder(Settings(home=home)), "secret").status == "error"
    key.chmod(0o600)
    assert [found.name for found in machine_checks.home_folder(Settings(home=home))] == ["home"]


def test_an_unknown_log_format_is_an_error(home):
    (home / "landing" / "my_log").mkdir()
    found = only(machine_checks.landing_folder(Settings(home=home)), "landing")
    assert found.status == "error" and "known formats: " in found.message


def test_an_empty_landing_folder_says_where_logs_go(home):
    found = only(machine_checks.landing_folder(Settings(home=home)), "landing")
    assert found.status == "warning" and "<format>/<YYYY-MM-DD>/" in found.message


def test_a_log_dated_in_the_future_warns_about_the_clock(product: Product, home):
    product.log(interaction(), day=date(2031, 1, 1))
    findings = list(machine_checks.landing_folder(Settings(home=home), date(2026, 10, 1)))
    assert [finding.status for finding in findings] == ["ok", "warning"]
    assert "2031-01-01" in only(iter(findings), "clock").message


def test_logs_from_before_the_first_day_are_a_warning(product: Product, home):
    product.log(interaction(), day=date(2026, 9, 30))
    product.log(interaction(), day=date(2026, 10, 1))
    ok, early = machine_checks.landing_folder(Settings(home=home), date(2026, 10, 1))
    assert (ok.status, early.status) == ("ok", "warning")
    assert early.message.startswith("1 days of logs, 2026-09-30 to 2026-09-30, are before RL_ASSETS_START_DATE")


def test_a_memory_limit_that_is_no_size_is_an_error():
    assert only(machine_checks.memory(Settings(duckdb_memory_limit="much")), "memory").status == "error"


def test_a_package_in_another_version_is_named():
    assert machine_checks._unmet("duckdb", ">=99") is not None
    assert machine_checks._unmet("no-such-package", "") == "no-such-package is not installed"
    assert [found.status for found in machine_checks.packages()] == ["ok"]


def test_a_lake_that_cannot_be_read_is_an_error(product, home):
    product.log(interaction())
    product.ingest()
    (home / "lake" / "feedback" / "_delta_log" / f"{0:020}.json").write_text("{", encoding="utf-8")
    found = only(service_checks.lake(Settings(home=home)), "lake")
    assert found.status == "error" and "cannot be read" in found.message


def test_a_judge_is_asked_for_its_models_and_the_time(models):
    assert only(service_checks.judge(judged(models)), "judge").status == "ok"
    assert only(service_checks.judge(judged(models)), "clock").status == "error"
    unknown = only(service_checks.judge(judged(models, "other")), "judge")
    assert unknown.status == "error" and "it has wise" in unknown.message
    assert "the key is rejected" in only(service_checks.judge(judged(models, key=None)), "judge").message


def test_a_judge_that_does_not_answer_is_an_error():
    found = only(service_checks.judge(judged("http://127.0.0.1:9/v1")), "judge")
    assert found.status == "error" and "cannot be reached" in found.message


def test_without_a_folder_dagster_keeps_no_history(tmp_path):
    assert only(service_checks.dagster_storage({}), "dagster").status == "warning"
    assert only(service_checks.dagster_storage({"DAGSTER_HOME": str(tmp_path)}), "dagster").status == "warning"
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}", encoding="utf-8")
    assert "SQLite" in only(service_checks.dagster_storage({"DAGSTER_HOME": str(tmp_path)}), "dagster").message


@pytest.mark.parametrize("storage", ["as shipped", "Dagster's own"])
def test_a_postgres_whose_variables_are_missing_or_that_is_down_is_an_error(tmp_path, storage):
    shipped = ON_POSTGRES.read_text(encoding="utf-8")
    config = yaml.safe_load(shipped)["storage"]["custom"]["config"]
    own = yaml.safe_dump({"storage": {"postgres": config}})
    (tmp_path / "dagster.yaml").write_text(shipped if storage == "as shipped" else own, encoding="utf-8")
    known = {"DAGSTER_HOME": str(tmp_path)}
    missing = only(service_checks.dagster_storage(known), "postgres")
    assert missing.status == "error" and "PGHOST" in missing.message
    server = {"PGHOST": "127.0.0.1", "PGPORT": "9", "PGUSER": "a", "PGPASSWORD": "", "PGDATABASE": "a"}
    down = only(service_checks.dagster_storage(known | server), "postgres")
    assert down.status == "error" and "cannot connect" in down.message


@pytest.mark.postgres
def test_a_postgres_that_answers_is_ok(postgres_server: PostgresServer, tmp_path):  # noqa: F811
    (tmp_path / "dagster.yaml").write_bytes(ON_POSTGRES.read_bytes())
    server = {"PGHOST": "127.0.0.1", "PGPORT": str(postgres_server.port), "PGPASSWORD": "", "PGDATABASE": "postgres"}
    findings = service_checks.dagster_storage({"DAGSTER_HOME": str(tmp_path), "PGUSER": "postgres", **server})
    found = only(findings, "postgres")
    assert found.status == "ok" and found.message.startswith("PostgreSQL ")
