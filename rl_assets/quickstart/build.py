"""Rewrites published feedback data as the log files of a product, fourteen days long.

    python -m rl_assets.quickstart.build --source <folder of the sources> --out rl_assets/quickstart/landing

Answers and verdicts are real, dates are assigned, the parts manual is synthetic: the README in this folder
says which is which. The same sources give the same lines, whenever and wherever they are built.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rl_assets.core.files import replaced_folder
from rl_assets.quickstart.landing_files import Entry, lines_by_file, write_files
from rl_assets.quickstart.sources import finegrained_qa, gsm8k, haiku, parts
from rl_assets.quickstart.sources.damaged import damaged_files


def all_entries(source: Path) -> Iterator[Entry]:
    """Every line of the quickstart log but the damaged ones, in no particular order."""
    yield from gsm8k.entries(source)
    yield from finegrained_qa.entries(source)
    yield from haiku.entries(source)
    yield from parts.entries()


def landing_lines(source: Path) -> dict[str, list[str]]:
    """Lines of every file to land, by its path below the landing folder."""
    files = lines_by_file(all_entries(source))
    return {**files, **damaged_files(files)}


def build(source: Path, landing: Path) -> dict[str, list[str]]:
    """Write all files in place of what `landing` held before and return their lines.

    Raises FileNotFoundError when a source is missing; `landing` then stays as it was.
    """
    files = landing_lines(source)
    with replaced_folder(landing) as staging:
        write_files(staging, files)
    return files


def counts(files: dict[str, list[str]]) -> dict[tuple[str, str, str], int]:
    """Lines by (source, format, kind of line); a damaged file's lines are one kind."""
    numbers: Counter[tuple[str, str, str]] = Counter()
    for name, lines in files.items():
        format_name, _, file_name = name.split("/")
        source = file_name.split(".")[0]
        for line in lines:
            kind = "broken on purpose" if source == "damaged" else kind_of_line(json.loads(line))
            numbers[source, format_name, kind] += 1
    return dict(sorted(numbers.items()))


def kind_of_line(row: dict[str, object]) -> str:
    """What a line of any of the three formats is: an answer, a reward, a correction or a preference."""
    return str(row.get("feedback_type") or ("reward" if row.get("type") == "feedback" else "answer"))


def table(files: dict[str, list[str]]) -> str:
    """The counts as a Markdown table."""
    rows = [f"| {source} | `{fmt}` | {kind} | {n:,} |" for (source, fmt, kind), n in counts(files).items()]
    return "\n".join(["| source | format | line | lines |", "|---|---|---|---:|", *rows])


def summary(landing: Path, files: dict[str, list[str]]) -> str:
    """The counts and, below them, what they add up to."""
    size = sum((landing / name).stat().st_size for name in files)
    return f"{table(files)}\n\n{len(files)} files, {sum(map(len, files.values())):,} lines, {size:,} bytes."


def with_counts(readme: str, counted: str) -> str:
    """The README with its section "Counts" replaced.

    Raises ValueError when it has no such section.
    """
    before, heading, rest = readme.partition("## Counts\n")
    if not heading:
        raise ValueError("the README has no section '## Counts' to write the counts to")
    return f"{before}{heading}\n{counted}\n\n## {rest.partition('## ')[2]}"


def main() -> None:
    """Build from the command line, print what was written, and keep the README's counts true."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, required=True, help="holds the folders of the three sources")
    parser.add_argument("--out", type=Path, required=True, help="landing folder to write in place of the old one")
    parser.add_argument("--readme", type=Path, help="a README whose section Counts to rewrite")
    arguments = parser.parse_args()
    counted = summary(arguments.out, build(arguments.source, arguments.out))
    print(counted)
    if arguments.readme:
        readme = with_counts(arguments.readme.read_text(encoding="utf-8"), counted)
        arguments.readme.write_text(readme, encoding="utf-8")


if __name__ == "__main__":
    main()
