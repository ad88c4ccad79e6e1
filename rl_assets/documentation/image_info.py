"""What an image file is: measured with limits, or refused with a reason. Runs in a process that may die (see decoding).

Never trusts a file's name. SVG is read as text and never rendered.
"""

import hashlib
import io
import re
import struct
import warnings
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from selectolax.lexbor import LexborHTMLParser

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP")
SAMPLE = 64
# What Pillow raises on damaged files; anything else ends the process and is counted as such.
DAMAGED = (
    *(OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, AttributeError),
    *(NotImplementedError, RuntimeError, AssertionError, struct.error, zlib.error),
)
NUMBER = re.compile(r"\s*(\d{1,6}(?:\.\d+)?)\s*(?:px)?\s*")


@dataclass(frozen=True)
class Limits:
    """What is decoded at most."""

    megabytes: float = 20
    megapixels: float = 50
    frames: int = 1000
    seconds: float = 10
    memory_megabytes: int = 1024


@dataclass(frozen=True)
class ImageFacts:
    """Size in pixels, format, and traits in [0, 1] of a small copy.

    colours: distinct colours (5 bits a channel) per pixel; flat: share of the commonest colour; saturation: mean.
    """

    sha256: str
    width: int
    height: int
    format: str
    frames: int
    size: int
    colours: float
    flat: float
    saturation: float


@dataclass(frozen=True)
class Refused:
    """Why a file is not taken for an image."""

    reason: str
    detail: str


def image_facts(path: Path, limits: Limits) -> ImageFacts | Refused:
    """Measure an image file. Reasons: too_many_bytes, too_many_pixels, too_many_frames, not_an_image, damaged, ..."""
    if path.stat().st_size > limits.megabytes * 1e6:
        return Refused("too_many_bytes", f"{path.stat().st_size} bytes")
    data = path.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<?xml", b"<svg", b"<!doctype svg", b"<!--")):
        return _svg(data, sha256)
    try:
        return _raster(data, sha256, limits)
    except Image.DecompressionBombError as error:
        return Refused("too_many_pixels", str(error))
    except MemoryError:
        return Refused("too_much_memory", f"more than {limits.memory_megabytes} MB")
    except DAMAGED as error:
        known = not isinstance(error, Image.UnidentifiedImageError)
        return Refused("damaged" if known else "not_an_image", f"{type(error).__name__}: {error}"[:200])


def _raster(data: bytes, sha256: str, limits: Limits) -> ImageFacts | Refused:
    with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=FORMATS) as image:
        width, height = image.size
        if width * height > limits.megapixels * 1e6:
            return Refused("too_many_pixels", f"{width} x {height}")
        frames = _frames(image, limits.frames)
        if frames > limits.frames:
            return Refused("too_many_frames", f"more than {limits.frames}")
        kind = image.format or ""
        image.load()
        return ImageFacts(sha256, width, height, kind.lower(), frames, len(data), *_traits(image))


def _frames(image: Image.Image, most: int) -> int:
    """Number of frames; a GIF's are counted no further than `most` + 1. The first is current afterwards."""
    if not getattr(image, "is_animated", False):
        return 1
    if image.format != "GIF":
        return int(getattr(image, "n_frames", 1))
    count = 1
    with suppress(EOFError):
        while count <= most:
            image.seek(count)
            count += 1
    image.seek(0)
    return count


def _traits(image: Image.Image) -> tuple[float, float, float]:
    small = image if image.mode in ("RGB", "RGBA", "L", "LA") else image.convert("RGBA")
    small.thumbnail((SAMPLE, SAMPLE), reducing_gap=2.0)
    small = small.convert("RGBA")
    canvas = Image.new("RGB", small.size, "white")
    canvas.paste(small, mask=small.getchannel("A"))
    pixels = canvas.width * canvas.height
    coarse = canvas.point(lambda value: value & 0xF8).getcolors(pixels) or []
    saturation = canvas.convert("HSV").getchannel("S").histogram()
    mean = sum(level * count for level, count in enumerate(saturation)) / pixels / 255
    return round(len(coarse) / pixels, 4), round(max(count for count, _ in coarse) / pixels, 4), round(mean, 4)


def _svg(data: bytes, sha256: str) -> ImageFacts | Refused:
    """Size of an SVG from its attributes; refused where it is active. Read as HTML: no entities, no fetching."""
    root = LexborHTMLParser(data.decode("utf-8", errors="replace")).css_first("svg")
    if root is None:
        return Refused("not_an_image", "XML without <svg>")
    active = _active(root)
    if active:
        return Refused("active_svg", active)
    box = (root.attributes.get("viewbox") or root.attributes.get("viewBox") or "").replace(",", " ").split()
    sizes = [_length(root.attributes.get(name), box[2 + i : 3 + i]) for i, name in enumerate(("width", "height"))]
    return ImageFacts(sha256, sizes[0], sizes[1], "svg", 1, len(data), 0.0, 0.0, 0.0)


def _active(root: object) -> str | None:
    for node in root.traverse():  # type: ignore[attr-defined]
        if node.tag in ("script", "foreignobject", "iframe", "object", "embed"):
            return f"<{node.tag}>"
        for name, value in node.attributes.items():
            target = (value or "").strip().lower()
            if name.startswith("on") or (name.endswith("href") and target.startswith(("javascript:", "data:text"))):
                return f"{name} on <{node.tag}>"
    return None


def _length(attribute: str | None, box: list[str]) -> int:
    """Pixels of a width or height, by the view box where it is relative; 0 where neither says."""
    for said in (attribute, *box):
        found = NUMBER.fullmatch(said or "")
        if found:
            return round(float(found[1]))
    return 0
