from pathlib import Path

import pytest

from rl_assets.training.runner.checkpoints import NEEDED, newest_whole_checkpoint, seal


def checkpoint(folder: Path, step: int, processes: int = 1) -> Path:
    """A checkpoint with all files of its processes, not sealed yet."""
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    states = ["rng_state.pth"] if processes == 1 else [f"rng_state_{rank}.pth" for rank in range(processes)]
    for name in (*NEEDED, *states):
        (path / name).write_text(f"{name} of step {step}", encoding="utf-8")
    return path


def sealed(folder: Path, step: int, processes: int = 1) -> Path:
    path = checkpoint(folder, step, processes)
    seal(path, processes)
    return path


def test_the_newest_whole_checkpoint_is_taken_whatever_the_order_of_names(tmp_path: Path):
    for step in (9, 100, 20):
        sealed(tmp_path, step)
    assert newest_whole_checkpoint(tmp_path, print) == tmp_path / "checkpoint-100"


def test_one_whose_writing_was_interrupted_is_left_out_and_told(tmp_path: Path):
    whole, lines = sealed(tmp_path, 10), list[str]()
    checkpoint(tmp_path, 20)
    assert newest_whole_checkpoint(tmp_path, lines.append) == whole
    assert lines == ["checkpoint-20 is left out: its writing was interrupted"]


@pytest.mark.parametrize("name", NEEDED)
def test_one_with_a_damaged_or_missing_file_is_left_out(tmp_path: Path, name: str):
    whole, lines = sealed(tmp_path, 10), list[str]()
    torn = sealed(tmp_path, 20) / name
    torn.write_bytes(torn.read_bytes()[:-1])
    (sealed(tmp_path, 30) / name).unlink()
    assert newest_whole_checkpoint(tmp_path, lines.append) == whole
    assert lines == [f"checkpoint-{step} is left out: {name} was damaged" for step in (30, 20)]


def test_one_without_all_files_is_never_sealed(tmp_path: Path):
    path = checkpoint(tmp_path, 10)
    (path / "optimizer.pt").unlink()
    with pytest.raises(FileNotFoundError):
        seal(path)


def test_one_of_another_number_of_processes_is_left_out(tmp_path: Path):
    path = sealed(tmp_path, 3, processes=2)
    assert newest_whole_checkpoint(tmp_path, print, 2) == path
    assert newest_whole_checkpoint(tmp_path, print, 1) is None
    assert newest_whole_checkpoint(tmp_path, print, 4) is None


def test_without_any_training_starts_anew(tmp_path: Path):
    assert newest_whole_checkpoint(tmp_path / "none", print) is None
