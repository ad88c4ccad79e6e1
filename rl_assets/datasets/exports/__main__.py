"""A published dataset in the forms that other tools read.

python -m rl_assets.datasets.exports data/datasets/sft_dataset/2026-11-20 --form sharegpt --out sft.jsonl
"""

import argparse
from pathlib import Path

from rl_assets.datasets.exports.forms import FORMS
from rl_assets.datasets.exports.writing import export
from rl_assets.datasets.split_files import SPLITS


def main() -> None:
    """Export from the command line and print what was written and dropped."""
    parser = argparse.ArgumentParser(description="A published dataset in the forms that other tools read.")
    parser.add_argument("folder", type=Path, help="a dataset's folder, .../<name>/<day>")
    parser.add_argument("--form", choices=FORMS, required=True)
    parser.add_argument("--split", choices=SPLITS, default="train")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    options = parser.parse_args()
    try:
        exported = export(options.folder, options.form, options.split, options.out)
    except ValueError as error:
        parser.error(str(error))
    print(f"{exported.written} rows of {options.split} written to {options.out}")
    for reason, rows in exported.dropped.items():
        print(f"{rows} rows dropped: each {reason}")
    for path in exported.alongside:
        print(f"{path} describes it")


if __name__ == "__main__":
    main()
