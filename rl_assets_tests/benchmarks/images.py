"""Documentation against the least that could be done: markdown-it renders every page, Pillow decodes every image file.

    python -m rl_assets_tests.benchmarks.images [--pages 250 1000] [--docs FOLDER_OF_SOURCES]

Ours besides: every image accounted for, its text, headings and caption, decoding in a process of its own, confidence,
duplicates, audit, five tables. Both read the same files, in turns, in one process.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from markdown_it import MarkdownIt
from PIL import Image

from rl_assets.documentation.decoding import Decoder
from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.publish import publish_source, read_rows
from rl_assets.documentation.sources import open_source, source_names
from rl_assets.lake.delta import Lake
from rl_assets.tables.documentation import IMAGE_SOURCES
from rl_assets_tests.benchmarks.measure import peak_mib, seconds
from rl_assets_tests.support.documentation_sites import guide, picture, site

WIDTH, HEIGHT = 640, 400
WARM_UP = 10
RASTER = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".bmp")


def bare(root: Path) -> None:
    """Render the pages, decode the images of `root`."""
    markdown = MarkdownIt("commonmark", {"html": True})
    for path in sorted(root.rglob("*")):
        if path.suffix in (".md", ".mdx"):
            markdown.render(path.read_text(encoding="utf-8", errors="replace"))
        elif path.suffix.lower() in RASTER:
            with Image.open(path) as image:
                image.load()


def ours(docs: Path, name: str, lake: Lake) -> None:
    publish_source(lake, docs, name, Limits(), "1GB")


def measured(docs: Path, name: str, work: Path, rounds: int) -> str:
    """A line: medians over rounds, each into a lake of its own, and a second run in which nothing has changed."""
    lakes = [Lake(str(work / f"{name}-{turn}")) for turn in range(rounds)]
    pairs = [(seconds(lambda: bare(docs / name)), seconds(lambda lake=lake: ours(docs, name, lake))) for lake in lakes]
    plain, own = (statistics.median(side) for side in zip(*pairs, strict=True))
    again = statistics.median(seconds(lambda lake=lake: ours(docs, name, lake)) for lake in lakes)
    account = read_rows(lakes[0], IMAGE_SOURCES, name)[0]
    files = sum(path.lower().endswith(RASTER) for path in open_source(docs, name, Limits()).hashes)
    return (
        f"{name:22} {account['pages']:>6,} pages {account['images']:>6,} shown {files:>6,} files  "
        f"bare {plain:6.2f} s  ours {own:6.2f} s  ratio {own / plain:5.2f}  "
        f"{account['pages'] / own:>6,.0f} pages/s {account['images'] / own:>6,.0f} images/s  again {again:5.3f} s"
    )


def decoder_mib(docs: Path, name: str) -> float:
    """Peak memory of a process that measures every image of a source."""
    with Decoder() as decoder:
        for path in open_source(docs, name, Limits()).hashes:
            if path.lower().endswith(RASTER):
                decoder.info(docs / name / path)
        if decoder._process is None:
            return 0.0
        return peak_mib(decoder._process.pid)


def generated(docs: Path, pages: int) -> str:
    """The name of a source below `docs` of so many pages with an image each."""
    pictures = {f"img/{i}.png": picture(WIDTH + i // 256, HEIGHT, seed=i) for i in range(pages)}
    site(docs / f"guide-{pages}", guide(pages) | pictures)
    return f"guide-{pages}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Documentation images: ratios against a bare baseline.")
    parser.add_argument("--pages", type=int, nargs="*", default=[250, 1000])
    parser.add_argument("--docs", type=Path, help="a folder of sources to measure besides")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    idle = peak_mib()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        sources = [(work / "docs", generated(work / "docs", pages)) for pages in [WARM_UP, *options.pages]]
        sources += [(options.docs, name) for name in (source_names(options.docs) if options.docs else ())]
        measured(*sources[0], work, 1)  # Libraries that the audit imports are not counted.
        for docs, name in sources[1:]:
            print(measured(docs, name, work, options.rounds), flush=True)
        decoding = max(decoder_mib(docs, name) for docs, name in sources)
    own = peak_mib()
    print(
        f"peak memory: this process {own:,.0f} MiB, of it before the first page {idle:,.0f}, "
        f"decoding {decoding:,.0f} MiB"
    )


if __name__ == "__main__":
    main()
