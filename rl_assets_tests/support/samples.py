"""Published samples that lie packed in rl_assets_tests/data: python -m rl_assets_tests.support.samples <folder>"""

import sys
import tarfile
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"


def unpack(target: Path) -> Path:
    """Unpack every sample into a folder of its name below `target`."""
    for packed in sorted(DATA.glob("*/files.tar.xz")):
        with tarfile.open(packed) as files:
            files.extractall(target / packed.parent.name, filter="data")
    return target


if __name__ == "__main__":
    print(unpack(Path(sys.argv[1])))
