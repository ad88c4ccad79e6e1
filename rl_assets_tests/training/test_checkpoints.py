from pathlib import Path

from rl_assets.training.checkpoints import WHOLE, newest_whole_checkpoint


def checkpoint(folder: Path, step: int, *without: str) -> Path:
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    for name in set(WHOLE) - set(without):
        (path / name).touch()
    return path


def test_the_newest_whole_checkpoint_is_taken_and_a_torn_one_is_passed_over(tmp_path: Path):
    checkpoint(tmp_path, 9)
    whole = checkpoint(tmp_path, 10)
    checkpoint(tmp_path, 20, "optimizer.pt")
    checkpoint(tmp_path, 30, "trainer_state.json")
    assert newest_whole_checkpoint(tmp_path) == whole


def test_without_checkpoints_training_starts_anew(tmp_path: Path):
    assert newest_whole_checkpoint(tmp_path / "none") is None
