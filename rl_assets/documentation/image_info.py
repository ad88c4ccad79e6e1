"""Image files opened within limits: their size, format and colours, and small copies of them.

Runs in a process that may die (see decoding). Never trusts a file's name. SVG is read as XML and never rendered.
"""

import hashlib
import io
import struct
import warnings
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import ExifTags, Image, ImageChops, UnidentifiedImageError

from rl_assets.documentation.svg import ActiveSvgError, NoSvgError, svg_size

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP")
SAMPLE_EDGE = 64
THUMBNAIL_EDGE, THUMBNAIL_QUALITY = 96, 40
# What Pillow raises on damaged files; anything else ends the process and is counted as such.
DAMAGED = (
    *(OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError, AttributeError),
    *(NotImplementedError, RuntimeError, AssertionError, struct.error, zlib.error),
)


# How browsers turn an image by the orientation in its EXIF data.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = (5, 6, 7, 8)


@dataclass(frozen=True)
class Limits:
    """The largest image file that is decoded."""

    megabytes: float = 20
    megapixels: float = 50
    frames: int = 1000
    seconds: float = 10
    memory_megabytes: int = 1024


@dataclass(frozen=True)
class ImageInfo:
    """Size in pixels as browsers show it, format, and colours of a small copy, each in [0, 1].

    colours: distinct colours (5 bits per channel) per pixel; dominant_colour: its share; saturation: mean of saturation
    times brightness, since what is nearly black has any hue.
    """

    sha256: str
    width: int
    height: int
    format: str
    frames: int
    size: int
    colours: float
    dominant_colour: float
    saturation: float


@dataclass(frozen=True)
class RejectedImage:
    """Why a file is not used as an image."""

    reason: str
    detail: str


def read_image_info(path: Path, limits: Limits) -> ImageInfo | RejectedImage:
    """Size, format and colours of an image file, or why it is rejected (see tables.documentation.EXCLUDED)."""
    if path.stat().st_size > limits.megabytes * 1e6:
        return RejectedImage("too_many_bytes", f"{path.stat().st_size} bytes")
    data = path.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<?xml", b"<svg", b"<!doctype svg", b"<!--")):
        return _svg(data, sha256)
    try:
        return _raster(data, sha256, limits)
    except Image.DecompressionBombError as error:
        return RejectedImage("too_many_pixels", str(error))
    except MemoryError:
        return RejectedImage("too_much_memory", f"more than {limits.memory_megabytes} MB")
    except DAMAGED as error:
        unknown = isinstance(error, UnidentifiedImageError)
        return RejectedImage("not_an_image" if unknown else "damaged", f"{type(error).__name__}: {error}"[:200])


def _raster(data: bytes, sha256: str, limits: Limits) -> ImageInfo | RejectedImage:
    with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=FORMATS) as image:
        width, height = image.size
        if width * height > limits.megapixels * 1e6:
            return RejectedImage("too_many_pixels", f"{width} x {height}")
        frames = _count_frames(image, limits.frames)
        if frames > limits.frames:
            return RejectedImage("too_many_frames", f"more than {limits.frames}")
        name = (image.format or "").lower()
        image.load()
        if _orientation(image) in SIDEWAYS:
            width, height = height, width
        return ImageInfo(sha256, width, height, name, frames, len(data), *_colour_statistics(image))


def _orientation(image: Image.Image) -> int:
    """The orientation in the EXIF data of a loaded image, 1 if it is upright; browsers read no XMP."""
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif") or b"")
        return int(exif.get(ExifTags.Base.Orientation, 1))
    except DAMAGED:
        return 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    turn = TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def _count_frames(image: Image.Image, max_frames: int) -> int:
    """Number of frames; a GIF's are counted no further than `max_frames` + 1. The first is current afterwards."""
    if not getattr(image, "is_animated", False):
        return 1
    if image.format != "GIF":
        return int(getattr(image, "n_frames", 1))
    count = 1
    with suppress(EOFError):
        while count <= max_frames:
            image.seek(count)
            count += 1
    image.seek(0)
    return count


def _eight_bits(image: Image.Image) -> Image.Image:
    """The image with 8 bits a channel: grey with 16 bits is scaled, where Pillow would cut off what is brighter."""
    if not image.mode.startswith("I"):
        return image
    return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")


def _colour_statistics(image: Image.Image) -> tuple[float, float, float]:
    """Distinct colours per pixel, share of the most common colour and mean chroma of a small copy."""
    image = _eight_bits(image)
    small = image if image.mode in ("RGB", "RGBA", "L", "LA") else image.convert("RGBA")
    small.thumbnail((SAMPLE_EDGE, SAMPLE_EDGE), reducing_gap=2.0)
    canvas = _on_white(small.convert("RGBA"))
    pixels = canvas.width * canvas.height
    coarse = canvas.point(lambda value: value & 0xF8).getcolors(pixels) or []
    hsv = canvas.convert("HSV")
    chroma = ImageChops.multiply(hsv.getchannel("S"), hsv.getchannel("V")).histogram()
    mean = sum(level * count for level, count in enumerate(chroma)) / pixels / 255
    return round(len(coarse) / pixels, 4), round(max(count for count, _ in coarse) / pixels, 4), round(mean, 4)


def _svg(data: bytes, sha256: str) -> ImageInfo | RejectedImage:
    """Size of an SVG from its attributes; rejected if it is active, or no XML that browsers show."""
    try:
        width, height = svg_size(data)
    except ActiveSvgError as error:
        return RejectedImage("active_svg", str(error)[:200])
    except NoSvgError as error:
        return RejectedImage("not_an_image", str(error)[:200])
    return ImageInfo(sha256, width, height, "svg", 1, len(data), 0.0, 0.0, 0.0)


def small_copy(
    file: Path | BinaryIO, limits: Limits, edge: int = THUMBNAIL_EDGE, quality: int = THUMBNAIL_QUALITY
) -> bytes | None:
    """An upright WebP of at most `edge` x `edge` pixels, or None if the file is not a raster image within the limits.

    Encoded again from pixels, so no metadata goes with it; of an animation it is the first frame.
    """
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > limits.megapixels * 1e6:
                return None
            small = _eight_bits(image).convert("RGBA")
            small.thumbnail((edge, edge))
            copy = io.BytesIO()
            _on_white(_upright(small, _orientation(image))).save(copy, "WEBP", quality=quality)
            return copy.getvalue()
    except (*DAMAGED, MemoryError, Image.DecompressionBombError):
        return None


def _on_white(image: Image.Image) -> Image.Image:
    """RGB of an RGBA image as a white page shows it; models without transparency would see black there."""
    page = Image.new("RGB", image.size, "white")
    page.paste(image, mask=image.getchannel("A"))
    return page
