"""Settings: defaults that work, and a clear sentence for everything else."""

import re
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from rl_assets.lake.delta import Lake
from rl_assets.settings import Settings, SettingsError, load_settings
from rl_assets.tables.records import FEEDBACK
from rl_assets_tests.support.logs import DAY


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A working directory without `.env`, and no settings in the environment."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"RL_ASSETS_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_without_any_setting_the_defaults_work():
    settings = load_settings()
    assert settings.home == Path.cwd() / "data"
    assert settings.paths.lake_url == str(Path.cwd() / "data" / "lake")
    assert settings.start_date == date(2026, 10, 1)
    assert settings.window_days == 30
    assert settings.user_hash_key is None


def test_folders_lie_below_the_home(monkeypatch):
    monkeypatch.setenv("RL_ASSETS_HOME", "/srv/product")
    home, folder = load_settings().paths, Path("/srv/product")
    assert (home.landing, home.docs, home.models) == (folder / "landing", folder / "docs", folder / "models")
    assert (home.datasets(), home.datasets("sft_dataset", "2026-10-01")) == (
        folder / "datasets",
        folder / "datasets" / "sft_dataset" / "2026-10-01",
    )
    assert (home.adapters(), home.adapters("parts")) == (folder / "adapters", folder / "adapters" / "parts")
    assert (home.reports(), home.reports("2026-10-01")) == (folder / "reports", folder / "reports" / "2026-10-01")


def test_landing_files_elsewhere_are_read_there(monkeypatch):
    monkeypatch.setenv("RL_ASSETS_LANDING_URL", "s3://bucket/landing")
    assert str(load_settings().paths.landing) == "s3://bucket/landing"


def test_a_lake_elsewhere_is_used_as_it_is_given(monkeypatch):
    monkeypatch.setenv("RL_ASSETS_LAKE", "s3://bucket/lake")
    assert load_settings().paths.lake_url == "s3://bucket/lake"


@pytest.mark.parametrize("name", ["my [new] product", "a]b", "a^b", "a|b", "a\\b", "a\nb", "100%20sure"])
@pytest.mark.parametrize("setting", ["HOME", "LAKE"])
def test_a_folder_that_the_lake_cannot_open_is_an_error_that_names_it(monkeypatch, tmp_path, setting, name):
    monkeypatch.setenv(f"RL_ASSETS_{setting}", str(tmp_path / name))
    with pytest.raises(SettingsError, match=r"Delta Lake cannot open a path with .*: set RL_ASSETS_LAKE or"):
        load_settings()


def test_a_working_folder_that_the_lake_cannot_open_is_an_error_too(monkeypatch, tmp_path):
    (tmp_path / "[1]").mkdir()
    monkeypatch.chdir(tmp_path / "[1]")
    with pytest.raises(SettingsError, match=re.escape("[1]/data/lake', but Delta Lake cannot open a path with '['")):
        load_settings()
    monkeypatch.setenv("RL_ASSETS_LAKE", "s3://bucket/[1]")
    assert load_settings().paths.lake_url == "s3://bucket/[1]"


@pytest.mark.parametrize("name", ["a b", "a{b}", "*?", "100%", "a#b", "a'b", 'a"b', "ü:~&+=;@$"])
def test_a_lake_opens_in_folders_of_other_odd_names(monkeypatch, tmp_path, name):
    monkeypatch.setenv("RL_ASSETS_HOME", str(tmp_path / name))
    lake = Lake(load_settings().paths.lake_url)
    rows = pa.Table.from_pylist([{"day": DAY, "feedback_id": "a"}], schema=FEEDBACK.schema)
    assert lake.publish(FEEDBACK, DAY, rows.to_reader()).rows == 1
    assert lake.days(FEEDBACK) == [DAY]


def test_an_unknown_name_in_the_environment_is_an_error_with_a_suggestion(monkeypatch):
    monkeypatch.setenv("RL_ASSETS_WINDOW_DAY", "7")
    with pytest.raises(
        SettingsError, match=r"unknown setting RL_ASSETS_WINDOW_DAY: did you mean RL_ASSETS_WINDOW_DAYS\?"
    ):
        load_settings()


def test_an_unknown_name_in_the_env_file_is_an_error_with_a_suggestion():
    Path(".env").write_text("RL_ASSETS_HOMES=/srv\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"unknown setting RL_ASSETS_HOMES: did you mean RL_ASSETS_HOME\?"):
        load_settings()


def test_an_unknown_name_like_no_other_lists_the_known_ones(monkeypatch):
    monkeypatch.setenv("RL_ASSETS_QQQ", "1")
    with pytest.raises(SettingsError, match=r"unknown setting RL_ASSETS_QQQ: known settings: .*RL_ASSETS_WINDOW_DAYS"):
        load_settings()


def test_names_of_other_programs_are_left_alone(monkeypatch):
    monkeypatch.setenv("MY_RL_ASSETS_QQQ", "1")
    Path(".env").write_text("OTHER=1\n", encoding="utf-8")
    assert load_settings().window_days == 30


def test_the_env_file_is_read_and_the_environment_wins(monkeypatch):
    Path(".env").write_text("RL_ASSETS_WINDOW_DAYS=7\nRL_ASSETS_RECIPE=small\n", encoding="utf-8")
    monkeypatch.setenv("RL_ASSETS_WINDOW_DAYS", "9")
    settings = load_settings()
    assert (settings.window_days, settings.recipe) == (9, "small")


def test_an_empty_value_counts_as_unset(monkeypatch):
    monkeypatch.setenv("RL_ASSETS_HOME", "")
    assert load_settings().home == Path.cwd() / "data"


def test_a_window_of_null_is_everything(monkeypatch):
    monkeypatch.setenv("RL_ASSETS_WINDOW_DAYS", "null")
    assert load_settings().window_days is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WINDOW_DAYS", "0"),
        ("WINDOW_DAYS", "a month"),
        ("START_DATE", "2026-13-01"),
        ("EXECUTOR", "threads"),
        ("HOME", "null"),
        ("USER_HASH_KEY", "too short"),
    ],
)
def test_an_invalid_value_is_an_error_that_names_its_setting(monkeypatch, name, value):
    monkeypatch.setenv(f"RL_ASSETS_{name}", value)
    with pytest.raises(SettingsError, match=f"invalid setting: RL_ASSETS_{name}: "):
        load_settings()


def test_an_invalid_metric_is_named_below_its_setting(monkeypatch):
    monkeypatch.setenv("RL_ASSETS_METRICS", '{"helpfulness": {"worst": 5, "best": 5}}')
    with pytest.raises(SettingsError, match="invalid setting: RL_ASSETS_METRICS: helpfulness: "):
        load_settings()


@pytest.mark.parametrize(
    ("metric", "named"),
    [
        ('{"wrost": -1, "best": 1}', "`wrost` is none of worst, best, dimension, source: is it `worst`[?]"),
        ('{"scale": 10}', "`scale` is none of worst, best, dimension, source"),
        ('{"dimension": "overal"}', "the dimension `overal` decides nothing: is it `overall`[?]"),
        ('{"source": "humans"}', "source: Input should be 'human'"),
    ],
)
def test_a_misspelt_part_of_a_metric_is_refused_by_name(monkeypatch, metric, named):
    monkeypatch.setenv("RL_ASSETS_METRICS", f'{{"helpfulness": {metric}}}')
    with pytest.raises(SettingsError, match=f"RL_ASSETS_METRICS: helpfulness: .*{named}"):
        load_settings()


def test_all_invalid_values_are_told_at_once(monkeypatch):
    monkeypatch.setenv("RL_ASSETS_WINDOW_DAYS", "-1")
    monkeypatch.setenv("RL_ASSETS_EXECUTOR", "threads")
    with pytest.raises(SettingsError, match=r"WINDOW_DAYS.*EXECUTOR"):
        load_settings()


def test_a_secret_shows_in_no_error(monkeypatch):
    monkeypatch.setenv("RL_ASSETS_USER_HASH_KEY", "hush-hush")
    monkeypatch.setenv("RL_ASSETS_WINDOW_DAYS", "0")
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert "RL_ASSETS_USER_HASH_KEY" in str(raised.value)
    assert "hush" not in str(raised.value)
    assert raised.value.__cause__ is None and raised.value.__suppress_context__


def test_a_secret_shows_in_no_representation(monkeypatch):
    monkeypatch.setenv("RL_ASSETS_USER_HASH_KEY", "a secret of the product")
    settings = load_settings()
    assert settings.user_hash_key == "a secret of the product"
    assert "a secret of the product" not in f"{settings!r} {settings}"


@pytest.mark.parametrize(("given", "missing"), [("JUDGE_BASE_URL", "JUDGE_MODEL"), ("JUDGE_MODEL", "JUDGE_BASE_URL")])
def test_half_a_judge_is_an_error_that_names_the_other_half(monkeypatch, given, missing):
    monkeypatch.setenv(f"RL_ASSETS_{given}", "http://localhost:8000/v1")
    with pytest.raises(SettingsError, match=f"a judge needs its endpoint and its model: set RL_ASSETS_{missing} too"):
        load_settings()


def test_the_key_of_the_judge_does_not_show(monkeypatch):
    monkeypatch.setenv("RL_ASSETS_JUDGE_API_KEY", "sk-secret-of-the-judge")
    assert load_settings().judge_api_key == "sk-secret-of-the-judge"
    assert "sk-secret" not in repr(load_settings())
