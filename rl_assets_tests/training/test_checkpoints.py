from pathlib import Path

import pytest

from rl_assets.training.runner.checkpoints import (
    REQUIRED_FILES,
    Spent,
    commit_checkpoint,
    discard_checkpoints_after,
    newest_complete_checkpoint,
    spent_before,
)


def checkpoint(folder: Path, step: int, processes: int = 1) -> Path:
    """A checkpoint with all files of its processes, not committed yet."""
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    states = ["rng_state.pth"] if processes == 1 else [f"rng_state_{rank}.pth" for rank in range(processes)]
    for name in (*REQUIRED_FILES, *states):
        (path / name).write_text(f"{name} of step {step}", encoding="utf-8")
    return path


def committed(folder: Path, step: int, processes: int = 1) -> Path:
    path = checkpoint(folder, step, processes)
    commit_checkpoint(path, processes)
    return path


def test_the_newest_complete_checkpoint_is_taken_whatever_the_order_of_names(tmp_path: Path):
    for step in (9, 100, 20):
        committed(tmp_path, step)
    assert newest_complete_checkpoint(tmp_path, print) == tmp_path / "checkpoint-100"


def test_one_whose_writing_was_interrupted_is_skipped_and_logged(tmp_path: Path):
    complete, lines = committed(tmp_path, 10), list[str]()
    checkpoint(tmp_path, 20)
    assert newest_complete_checkpoint(tmp_path, lines.append) == complete
    assert lines == ["checkpoint-20 is skipped: its writing was interrupted"]


@pytest.mark.parametrize("name", REQUIRED_FILES)
def test_one_with_a_damaged_or_missing_file_is_skipped(tmp_path: Path, name: str):
    complete, lines = committed(tmp_path, 10), list[str]()
    torn = committed(tmp_path, 20) / name
    torn.write_bytes(torn.read_bytes()[:-1])
    (committed(tmp_path, 30) / name).unlink()
    assert newest_complete_checkpoint(tmp_path, lines.append) == complete
    assert lines == [f"checkpoint-{step} is skipped: {name} was damaged" for step in (30, 20)]


def test_one_without_all_files_is_never_committed(tmp_path: Path):
    path = checkpoint(tmp_path, 10)
    (path / "optimizer.pt").unlink()
    with pytest.raises(FileNotFoundError):
        commit_checkpoint(path)


def test_one_of_another_number_of_processes_is_skipped(tmp_path: Path):
    path = committed(tmp_path, 3, processes=2)
    assert newest_complete_checkpoint(tmp_path, print, 2) == path
    assert newest_complete_checkpoint(tmp_path, print, 1) is None
    assert newest_complete_checkpoint(tmp_path, print, 4) is None


def test_what_the_steps_took_is_kept_with_them(tmp_path: Path):
    path = checkpoint(tmp_path, 10)
    commit_checkpoint(path, spent=Spent(1234, 5.5, 99))
    assert spent_before(newest_complete_checkpoint(tmp_path, print)) == Spent(1234, 5.5, 99)
    assert spent_before(None) == Spent(0, 0.0, 0)


def test_checkpoints_of_weights_that_blew_up_are_removed_and_the_newest_good_one_is_named(tmp_path: Path):
    for step in (9, 10, 20):
        committed(tmp_path, step)
    assert discard_checkpoints_after(tmp_path, 15) == tmp_path / "checkpoint-10"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-10", "checkpoint-9"]
    assert discard_checkpoints_after(tmp_path, 1) is None


def test_without_any_training_starts_afresh(tmp_path: Path):
    assert newest_complete_checkpoint(tmp_path / "none", print) is None
