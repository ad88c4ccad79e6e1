"""Hashes and atomic writes."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rl_assets.core.files import (
    replaced_folder,
    sha256_file,
    sha256_folder,
    sha256_json,
    sha256_text,
    write_atomically,
    write_json,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_text_and_a_file_with_it_have_the_same_hash(tmp_path):
    path = tmp_path / "text"
    path.write_text("grüße", encoding="utf-8")
    assert sha256_file(path) == sha256_text("grüße")
    assert sha256_text("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_equal_json_values_hash_alike_whatever_their_key_order():
    assert sha256_json({"a": 1, "b": [1, 2]}) == sha256_json({"b": [1, 2], "a": 1})
    assert sha256_json({"a": 1, "b": [1, 2]}) != sha256_json({"a": 1, "b": [2, 1]})


def test_a_folder_hash_changes_with_a_name_or_a_byte_and_with_nothing_else(tmp_path):
    def folder(name: str, files: dict[str, str]) -> str:
        for path, content in files.items():
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_text(content, encoding="utf-8")
        return sha256_folder(tmp_path / name)

    first = folder("first", {"a": "1", "b/c": "2"})
    assert first == folder("same", {"b/c": "2", "a": "1"})
    assert first != folder("renamed", {"a": "1", "b/d": "2"})
    assert first != folder("changed", {"a": "1", "b/c": "3"})
    assert sha256_folder(tmp_path / "first", "a") == sha256_folder(tmp_path / "changed", "a")


def test_an_atomic_write_replaces_the_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "new" / "file"
    write_atomically(path, "old")
    write_atomically(path, "neu: ü\n")
    assert path.read_bytes() == "neu: ü\n".encode()
    assert names(path.parent) == ["file"]


def test_a_write_that_fails_keeps_the_old_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "a lone surrogate \ud800")
    assert path.read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == ["file"]


def test_json_is_written_sorted_and_ends_with_a_newline(tmp_path):
    write_json(tmp_path / "file", {"b": "ü", "a": 1})
    assert (tmp_path / "file").read_text(encoding="utf-8") == '{\n  "a": 1,\n  "b": "ü"\n}\n'


def test_a_replaced_folder_appears_whole_and_the_old_one_is_gone(tmp_path):
    folder = tmp_path / "dataset"
    for content in ("old", "new"):
        with replaced_folder(folder) as staging:
            (staging / content).write_text(content, encoding="utf-8")
    assert names(folder) == ["new"]
    assert names(tmp_path) == ["dataset"]


def test_until_the_block_ends_readers_see_the_old_folder(tmp_path):
    folder = tmp_path / "dataset"
    with replaced_folder(folder) as staging:
        (staging / "old").touch()
    with replaced_folder(folder) as staging:
        (staging / "new").touch()
        assert names(folder) == ["old"]


def test_a_block_that_fails_leaves_the_old_folder_as_it_was(tmp_path):
    folder = tmp_path / "dataset"
    with replaced_folder(folder) as staging:
        (staging / "old").touch()

    def fails_half_way() -> None:
        with replaced_folder(folder) as staging:
            (staging / "new").touch()
            raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        fails_half_way()
    assert names(folder) == ["old"]
    assert names(tmp_path) == ["dataset"]


def test_others_may_read_what_was_published(tmp_path):
    with replaced_folder(tmp_path / "dataset") as staging:
        write_atomically(staging / "manifest.json", "{}")
    assert (tmp_path / "dataset").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "dataset" / "manifest.json").stat().st_mode & 0o777 == 0o644


def test_a_reader_finds_the_folder_at_every_instant_while_it_is_replaced(tmp_path):
    folder = tmp_path / "dataset"
    with replaced_folder(folder) as staging:
        (staging / "manifest.json").write_text("-1", encoding="utf-8")
    script = (
        "import sys; from pathlib import Path; from rl_assets.core.files import replaced_folder\n"
        "for number in range(400):\n"
        "    with replaced_folder(Path(sys.argv[1])) as staging:\n"
        "        (staging / 'manifest.json').write_text(str(number), encoding='utf-8')"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(folder)]) as writer:
        seen = []
        while writer.poll() is None:
            seen.append(folder.is_dir())
    assert writer.returncode == 0
    assert len(seen) > 400 and all(seen)
    assert (folder / "manifest.json").read_text(encoding="utf-8") == "399"


def test_where_names_cannot_be_swapped_the_folder_is_replaced_in_two_steps(tmp_path, monkeypatch):
    monkeypatch.setattr("rl_assets.core.files._exchange", lambda first, second: False)
    test_a_replaced_folder_appears_whole_and_the_old_one_is_gone(tmp_path)


def test_what_a_killed_writer_left_goes_with_a_later_one(tmp_path):
    left, fresh = tmp_path / ".dataset.killed", tmp_path / ".dataset.at-work"
    for folder, age_s in ((left, 2 * 24 * 3600), (fresh, 60)):
        folder.mkdir()
        os.utime(folder, (time.time() - age_s,) * 2)
    with replaced_folder(tmp_path / "dataset") as staging:
        (staging / "file").touch()
    assert names(tmp_path) == [".dataset.at-work", "dataset"]
