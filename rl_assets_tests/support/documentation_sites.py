"""Small documentation sites made on the spot, and the images that independent renderers see."""

import io
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

from PIL import Image

from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.publish import publish_source
from rl_assets.lake.delta import Lake

SITES = ("docs-fastapi", "docs-mkdocs-material", "docs-prefect", "docs-rich", "docs-streamlit")


def picture(width: int = 320, height: int = 200, seed: int = 0, kind: str = "PNG") -> bytes:
    """A raster image with stripes, so that it is neither blank nor equal to one of another seed."""
    image = Image.new("RGB", (width, height), "white")
    for x in range(0, width, 4):
        image.paste(((x * 7 + seed * 40) % 256, (x * 3) % 256, seed % 256), (x, 0, x + 2, height))
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def site(root: Path, files: dict[str, str | bytes]) -> Path:
    """A folder with the given files."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return root


def pages(published: Path, name: str) -> list[Path]:
    return sorted(path for path in (published / name / "tree").rglob("*") if path.suffix in (".md", ".mdx"))


class _Images(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("img", "image"):  # HTML 5 builds an img of an <image>.
            self.found.append((dict(attrs).get("src") or "").strip())


def shown(html: str) -> Counter[str]:
    """How often HTML names each image, by another parser than ours."""
    reader = _Images()
    reader.feed(html)
    reader.close()
    return Counter(reader.found)


def guide(images: int = 12) -> dict[str, str | bytes]:
    """A site of a page an image, each introduced and named, and one image on another host."""
    files: dict[str, str | bytes] = {"index.md": "# Guide\n\n![logo](https://example.com/logo.png)\n"}
    for i in range(images):
        topic = TOPICS[i % len(TOPICS)]
        files[f"pages/{i:02}.md"] = (
            f"# {topic.title()} {i}\n\n## How to use the {topic}\n\nOpen the {topic} from the menu of part {i}. "
            f"It looks like the following picture:\n\n![The {topic} of part {i}](../img/{i}.png)\n\n"
            f"The {topic} holds everything that part {i} needs, and closes with the escape key.\n"
        )
        files[f"img/{i}.png"] = picture(seed=i)
    return files


TOPICS = ("settings dialog", "price chart", "network diagram", "search page", "export menu", "photo viewer")


def published_sites(published: Path, home: Path, *names: str) -> Lake:
    """A lake of the home with published documentation, each a source under its name."""
    (home / "docs").mkdir()
    lake = Lake(str(home / "lake"))
    for name in names:
        (home / "docs" / name).symlink_to(published / name / "tree")
        publish_source(lake, home / "docs", name, Limits(), "1GB")
    return lake
