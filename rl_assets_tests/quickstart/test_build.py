"""The quickstart log: what it holds, and that it can be built again."""

import gzip
import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from rl_assets.core.files import sha256_folder
from rl_assets.quickstart.assigned import DAYS
from rl_assets.quickstart.build import build, summary
from rl_assets.quickstart.install import LANDING
from rl_assets.quickstart.landing_files import compressed, lines_by_file
from rl_assets.quickstart.sources import finegrained_qa, gsm8k, haiku, parts

QUICKSTART = LANDING.parent
Lines = dict[str, list[str]]


def read_landing(landing: Path) -> Lines:
    """Lines of every file by its path below `landing`, each with its newline."""
    found = {}
    for path in sorted(landing.glob("*/*/*.jsonl*")):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        text = content.decode("utf-8")
        found[path.relative_to(landing).as_posix()] = [line + "\n" for line in text.split("\n") if line]
    return found


@pytest.fixture(scope="module")
def landed() -> Lines:
    return read_landing(LANDING)


@pytest.fixture(scope="module")
def rows(landed: Lines) -> dict[str, list[dict[str, Any]]]:
    """Parsed lines of the undamaged files."""
    return {name: [json.loads(line) for line in lines] for name, lines in landed.items() if "damaged" not in name}


@pytest.fixture(scope="module")
def answers(rows: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [row for found in rows.values() for row in found if "agent" in row or "agent_type" in row]


def time_of(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row.get("timestamp") or row["created_at"])


def test_every_question_has_its_four_answers(answers: list[dict[str, Any]]) -> None:
    for segment, text in (("gsm8k", "question"), ("finegrained-qa", "query")):
        answered = Counter(row[text] for row in answers if row["segment"] == segment)
        assert set(answered.values()) == {4}
        assert len(answered) >= 300


def test_ids_of_answers_are_unique_and_all_feedback_names_one(
    rows: dict[str, list[dict[str, Any]]], answers: list[dict[str, Any]]
) -> None:
    ids = {row["interaction_id"] for row in answers}
    assert len(ids) == len(answers)
    judged = [row for found in rows.values() for row in found if "reward" in row or "feedback_type" in row]
    assert {row["interaction_id"] for row in judged} <= ids
    assert all(0 <= row["reward"] <= 1 for row in judged if "reward" in row)


def test_each_line_was_written_on_the_day_of_its_file(rows: dict[str, list[dict[str, Any]]]) -> None:
    for name, found in rows.items():
        assert {time_of(row).date().isoformat() for row in found} == {name.split("/")[1]}


def test_every_day_has_answers_of_every_source(rows: dict[str, list[dict[str, Any]]]) -> None:
    held = {(name.split("/")[1], row["segment"]) for name, found in rows.items() for row in found if "segment" in row}
    assert held == {(str(day), name) for day in DAYS for name in ("gsm8k", "finegrained-qa", "haiku", "parts-manual")}


def test_some_feedback_lands_days_after_its_answer(
    rows: dict[str, list[dict[str, Any]]], answers: list[dict[str, Any]]
) -> None:
    answered = {row["interaction_id"]: time_of(row) for row in answers}
    judged = [row for found in rows.values() for row in found if "reward" in row or "feedback_type" in row]
    delays = [(time_of(row) - answered[row["interaction_id"]]).total_seconds() / 86_400 for row in judged]
    assert min(delays) >= 0
    assert 1 < max(delays) <= 5
    assert 0.01 < sum(delay >= 1 for delay in delays) / len(delays) < 0.1


def test_damaged_lines_stand_in_damaged_files_only_and_the_last_one_is_torn(landed: Lines) -> None:
    damaged = [name for name in landed if name.endswith("/damaged.jsonl")]
    assert len(damaged) == 2
    assert not (LANDING / damaged[1]).read_bytes().endswith(b"\n")
    for name in damaged:
        neighbours = {line for other, lines in landed.items() if other.startswith(name[:-13]) for line in lines}
        assert landed[name][0] in neighbours


def test_everything_committed_takes_at_most_three_megabytes() -> None:
    kept = [path for path in QUICKSTART.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert sum(path.stat().st_size for path in kept) <= 3_000_000


def test_the_readme_counts_what_is_there(landed: Lines) -> None:
    assert summary(LANDING, landed) in (QUICKSTART / "README.md").read_text(encoding="utf-8")


def test_each_source_comes_with_its_licence() -> None:
    readme = (QUICKSTART / "README.md").read_text(encoding="utf-8")
    licences = sorted(path.name for path in (QUICKSTART / "licences").iterdir())
    assert [name.split("-")[0] for name in licences] == ["fastapi", "finegrained", "finegrained", "gsm8k", "haiku"]
    assert all(f"licences/{name}" in readme for name in licences)


def test_the_parts_log_that_landed_is_the_one_the_code_writes(landed: Lines) -> None:
    built = lines_by_file(parts.entries())
    assert built == {name: lines for name, lines in landed.items() if "parts-manual" in name}


@pytest.mark.slow  # Builds days for seconds.
def test_building_again_gives_the_same_files(published_data: Path, tmp_path: Path, landed: Lines) -> None:
    build(published_data, tmp_path / "once")
    build(published_data, tmp_path / "twice")
    assert sha256_folder(tmp_path / "once") == sha256_folder(tmp_path / "twice")
    assert read_landing(tmp_path / "once") == landed


@pytest.mark.slow  # Builds days for seconds.
def test_the_committed_files_are_the_built_ones_byte_for_byte(
    published_data: Path, tmp_path: Path, landed: Lines
) -> None:
    if any(compressed("".join(landed[name])) != (LANDING / name).read_bytes() for name in landed if name.endswith("z")):
        pytest.skip("this zlib compresses otherwise than the one that wrote the files; their lines are compared above")
    build(published_data, tmp_path / "landing")
    assert sha256_folder(tmp_path / "landing") == sha256_folder(LANDING)


def test_no_answer_of_the_sources_is_lost_or_changed(published_data: Path, answers: list[dict[str, Any]]) -> None:
    landed = Counter((row["segment"], row["answer"]) for row in answers if row["segment"] != "parts-manual")
    published: Counter[tuple[str, str]] = Counter()
    for line in (published_data / "rl-gsm8k/model_solutions.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        published.update(("gsm8k", record[agent]["solution"]) for agent in gsm8k.AGENTS)
    for line in (published_data / "pref-finegrained-qa/feedback.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        published.update(("finegrained-qa", record[f"prediction {number}"]) for number in finegrained_qa.SAMPLES)
    for line in (
        (published_data / "logs-tensorzero/chat_inference_examples.jsonl").read_text(encoding="utf-8").splitlines()
    ):
        record = json.loads(line)
        if record["function_name"] == haiku.FUNCTION:
            published["haiku", json.loads(record["output"])[0]["text"]] += 1
    assert landed == published


def test_a_missing_source_is_named_and_the_landing_folder_stays(tmp_path: Path) -> None:
    kept = tmp_path / "landing" / "reward_log" / "kept.jsonl"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}\n", encoding="utf-8")
    with pytest.raises(FileNotFoundError, match="rl-gsm8k"):
        build(tmp_path, tmp_path / "landing")
    assert kept.exists()
