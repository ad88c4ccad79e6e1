"""The quickstart log is copied where the pipeline looks, as often as one likes."""

from pathlib import Path

from rl_assets.core.files import sha256_folder
from rl_assets.quickstart.install import LANDING, Installed, install


def test_installing_twice_copies_once_and_mends_a_changed_file(tmp_path: Path) -> None:
    first = install(tmp_path)
    assert sha256_folder(tmp_path / "landing") == sha256_folder(LANDING)
    assert install(tmp_path) == Installed(new=0, replaced=0, same=first.new)
    changed = next((tmp_path / "landing").glob("*/*/gsm8k.jsonl.gz"))
    changed.write_bytes(b"cut")
    assert install(tmp_path) == Installed(new=0, replaced=1, same=first.new - 1)
    assert sha256_folder(tmp_path / "landing") == sha256_folder(LANDING)


def test_installing_leaves_other_logs_alone(tmp_path: Path) -> None:
    other = tmp_path / "landing" / "reward_log" / "2026-10-01" / "mine.jsonl"
    other.parent.mkdir(parents=True)
    other.write_text("{}\n", encoding="utf-8")
    install(tmp_path)
    assert other.read_text(encoding="utf-8") == "{}\n"
