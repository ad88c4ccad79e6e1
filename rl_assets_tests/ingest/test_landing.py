"""Which files belong to a day, and what cannot be taken in."""

import sys
from datetime import date
from pathlib import Path

import pytest

from rl_assets.ingest.landing import (
    LandingError,
    files_of,
    first_date,
    formats,
    skipped_files,
    undated_files,
    undated_others,
)
from rl_assets_tests.support.logs import DAY


@pytest.fixture
def landing(home: Path) -> Path:
    return home / "landing"


def drop(landing: Path, name: str) -> Path:
    path = landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def found(landing: Path, day: date = DAY) -> list[str]:
    return [file.name for file in files_of(landing, day)]


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("2026-10-01/part-3.jsonl.gz", DAY),
        ("dt=2026-10-01/part.jsonl", DAY),
        ("eu/2026-10-01.jsonl", DAY),
        ("log-2026-10-01T09.jsonl", DAY),
        ("2026-10-01/of-2026-10-02.jsonl", DAY),
        ("2026-13-45/2026-10-01.jsonl", DAY),
        ("12026-10-01.jsonl", None),
        ("2026-10-012.jsonl", None),
        ("2026-02-30.jsonl", None),
        ("current.jsonl", None),
    ],
)
def test_the_first_valid_date_of_a_path_is_its_day(path, day):
    assert first_date(path) == day


def test_the_formats_are_the_statements_and_modules_that_read_them():
    assert formats() == [
        "argilla",
        "dify",
        "feedback_table",
        "helicone",
        "interaction_log",
        "label_studio",
        "langfuse",
        "langsmith",
        "oasst_trees",
        "open_webui",
        "openai_chat",
        "openpipe",
        "otel_genai",
        "reward_log",
        "sharegpt",
        "tensorzero",
    ]


def test_files_of_a_day_are_found_wherever_the_date_stands_and_sorted_by_name(landing):
    for name in (
        "reward_log/2026-10-01/b.jsonl",
        "interaction_log/dt=2026-10-01/hour=09/a.jsonl.gz",
        "interaction_log/eu/2026-10-01.jsonl.zst",
    ):
        drop(landing, name)
    assert found(landing) == [
        "interaction_log/dt=2026-10-01/hour=09/a.jsonl.gz",
        "interaction_log/eu/2026-10-01.jsonl.zst",
        "reward_log/2026-10-01/b.jsonl",
    ]
    assert [file.format for file in files_of(landing, DAY)] == ["interaction_log", "interaction_log", "reward_log"]


def test_the_date_is_looked_for_below_the_format_folder_only(tmp_path):
    landing = tmp_path / "2026-09-09" / "landing"
    drop(landing, "interaction_log/2026-10-01/a.jsonl")
    assert found(landing) == ["interaction_log/2026-10-01/a.jsonl"]
    assert found(landing, date(2026, 9, 9)) == []


def test_the_folders_of_other_days_are_never_listed(landing):
    drop(landing, "interaction_log/2026-10-01/a.jsonl")
    drop(landing, "interaction_log/2026-10-02/b/a.jsonl")
    listed: list[str] = []
    sys.addaudithook(lambda event, args: listed.append(str(args[0])) if event == "os.scandir" else None)
    files_of(landing, DAY)
    names = {Path(path).name for path in listed if path.startswith(str(landing))}
    assert names == {"landing", "interaction_log", "2026-10-01"}


def test_hidden_files_are_left_alone_and_files_of_other_suffixes_are_named(landing):
    for name in ("a.jsonl", ".a.jsonl.swp", ".b.jsonl", ".tmp/c.jsonl", "_SUCCESS", "readme.md", "d.xlsx"):
        drop(landing, f"interaction_log/2026-10-01/{name}")
    drop(landing, ".trash/2026-10-01/a.jsonl")
    drop(landing, "README.md")
    drop(landing, "interaction_log/2026-10-02/e.xlsx")
    assert found(landing) == ["interaction_log/2026-10-01/a.jsonl"]
    assert skipped_files(landing, DAY) == [f"interaction_log/2026-10-01/{name}" for name in ("d.xlsx", "readme.md")]


def test_undated_files_that_cannot_be_landed_piece_by_piece_are_named(landing):
    for name in ("current.jsonl", "current.jsonl.1.bz2", "current.jsonl.part", "eu/table.parquet", "2026-10-01/a.csv"):
        drop(landing, f"interaction_log/{name}")
    assert undated_others(landing) == [
        f"interaction_log/{name}" for name in ("current.jsonl.1.bz2", "current.jsonl.part", "eu/table.parquet")
    ]
    assert undated_files(landing) == [landing / "interaction_log/current.jsonl"]


ROTATED = """
s.jsonl.1 s.jsonl.12.gz s.jsonl-20261001 s.jsonl-20261001.zst s.jsonl.2026-10-01 s.jsonl.2026-10-01_09-30 s.jsonl.old
s.jsonl~bak s-20261001.jsonl s.1.jsonl s-20261001.jsonl.gz
"""


@pytest.mark.parametrize("name", ROTATED.split())
def test_a_rotated_file_is_a_log_without_a_day(landing, name):
    drop(landing, f"interaction_log/{name}")
    assert undated_files(landing) == [landing / "interaction_log" / name]
    assert skipped_files(landing, DAY) == found(landing) == undated_others(landing) == []


def test_an_undated_file_belongs_to_no_day(landing):
    drop(landing, "interaction_log/current.jsonl")
    assert found(landing) == []


def test_a_missing_landing_folder_is_told_in_a_sentence(tmp_path):
    with pytest.raises(LandingError, match=r"there is no landing folder .*landing: set RL_ASSETS_HOME, or put logs in"):
        files_of(tmp_path / "landing", DAY)


def test_an_unknown_format_folder_is_an_error_that_lists_the_known_ones(landing):
    drop(landing, "interactions/2026-10-01/a.jsonl")
    with pytest.raises(
        LandingError, match=r"interactions is not a known log format; known formats: .*feedback_table, "
    ):
        files_of(landing, DAY)


def test_a_link_that_leads_out_of_the_landing_folder_is_refused(landing, tmp_path):
    secret = drop(tmp_path, "secret.jsonl")
    folder = drop(landing, "interaction_log/2026-10-01/a.jsonl").parent
    (folder / "b.jsonl").symlink_to(secret)
    with pytest.raises(LandingError, match=r"b\.jsonl is a link that leads out of .*copy the file instead"):
        files_of(landing, DAY)


def test_a_link_inside_the_landing_folder_is_a_file(landing):
    path = drop(landing, "interaction_log/2026-10-01/a.jsonl")
    path.with_name("b.jsonl").symlink_to(path)
    assert len(found(landing)) == 2


@pytest.mark.parametrize("name", ["2026-10-01", "eu"])
def test_a_linked_folder_is_refused_rather_than_skipped(landing, tmp_path, name):
    drop(tmp_path, "elsewhere/2026-10-01.jsonl")
    (landing / "interaction_log").mkdir()
    (landing / "interaction_log" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LandingError, match="is a link to a folder"):
        files_of(landing, DAY)
