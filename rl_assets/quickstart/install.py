"""Installs the quickstart log in a home folder.

python -m rl_assets.quickstart.install <home>
"""

import argparse
import shutil
from dataclasses import dataclass
from pathlib import Path

from rl_assets.core.files import sha256_file
from rl_assets.settings import load_settings

PACKAGE = Path(__file__).parent  # Its folders have the names that they get in a home.
LANDING = PACKAGE / "landing"
DOCS = PACKAGE / "docs"


@dataclass(frozen=True)
class Installed:
    """Numbers of files: new, replaced, and unchanged."""

    new: int
    replaced: int
    same: int


def install(home: Path) -> Installed:
    """Copy the quickstart's landing files into `<home>/landing`; other files stay."""
    results = [_copy(source, home / source.relative_to(PACKAGE)) for source in quickstart_files()]
    return Installed(results.count("new"), results.count("replaced"), results.count("same"))


def install_docs(home: Path) -> Installed:
    """Copy the quickstart's documentation into `<home>/docs`; other files stay."""
    files = sorted(path for path in DOCS.glob("*/**/*") if path.is_file())
    results = [_copy(source, home / source.relative_to(PACKAGE)) for source in files]
    return Installed(results.count("new"), results.count("replaced"), results.count("same"))


def quickstart_files() -> list[Path]:
    """The packaged landing files in path order.

    Raises FileNotFoundError when the package holds none.
    """
    files = sorted(path for path in LANDING.glob("**/*.jsonl*") if path.is_file())
    if not files:
        raise FileNotFoundError(f"{LANDING} holds no log files: build them with python -m rl_assets.quickstart.build")
    return files


def _copy(source: Path, target: Path) -> str:
    present = target.is_file()
    if present and sha256_file(target) == sha256_file(source):
        return "same"
    target.parent.mkdir(parents=True, exist_ok=True)
    # Renamed at the end, so that neither readers nor interruptions see a partial file.
    part = target.with_name(f".{target.name}.part")
    shutil.copyfile(source, part)
    part.replace(target)
    return "replaced" if present else "new"


def main() -> None:
    """Install from the command line and print what was done."""
    parser = argparse.ArgumentParser(description="Copy the quickstart log into a home folder.")
    parser.add_argument("home", type=Path, nargs="?", help="default: RL_ASSETS_HOME")
    home = parser.parse_args().home or load_settings().home
    done = install(home)
    counts = f"{done.new} files copied, {done.replaced} replaced, {done.same} unchanged"
    install_docs(home)
    print(f"quickstart log in {home / LANDING.name}: {counts}")


if __name__ == "__main__":
    main()
