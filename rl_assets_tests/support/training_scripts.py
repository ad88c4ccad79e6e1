"""Training scripts, run by a Python that cannot see this project."""

import re
import subprocess
import sys
from pathlib import Path


def run_script(source: str, folder: Path) -> float:
    """Run the script outside the project; the largest difference from the recorded loss curve that it prints."""
    script = folder / "train.py"
    script.write_text(source, encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-I", script.name, "out"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-2000:]
    printed = re.search(r"loss curve: (\S+) over (\d+) steps", result.stdout)
    assert printed is not None, result.stdout
    return float(printed[1])
