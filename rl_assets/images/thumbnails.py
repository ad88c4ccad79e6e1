"""Small pictures for previews, of raster images only: an SVG is never rendered."""

import io
import warnings
from pathlib import Path

from PIL import Image

from rl_assets.images.facts import DAMAGED, FORMATS, Limits

EDGE = 96


def thumbnail(path: Path, limits: Limits) -> bytes | None:
    """A WebP of at most 96 x 96 pixels, or None where the file is not a raster image within the limits."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > limits.megapixels * 1e6:
                return None
            small = image.convert("RGBA")
            small.thumbnail((EDGE, EDGE))
            file = io.BytesIO()
            small.save(file, "WEBP", quality=40)
            return file.getvalue()
    except (*DAMAGED, MemoryError, Image.DecompressionBombError):
        return None
