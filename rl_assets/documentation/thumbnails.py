"""Small copies of raster images, for previews and for training; an SVG is never rendered."""

import io
import warnings
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from rl_assets.documentation.image_info import DAMAGED, FORMATS, Limits

EDGE, QUALITY = 96, 40


def small_copy(file: Path | BinaryIO, limits: Limits, edge: int = EDGE, quality: int = QUALITY) -> bytes | None:
    """A WebP of at most `edge` x `edge` pixels, or None where the file is not a raster image within the limits.

    Written anew from pixels, so nothing else of a file goes with it; of an animation it is the first frame.
    """
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > limits.megapixels * 1e6:
                return None
            small = image.convert("RGBA")
            small.thumbnail((edge, edge))
            # What is transparent is shown on white pages; models that know no transparency would see it black.
            page = Image.new("RGB", small.size, "white")
            page.paste(small, mask=small.getchannel("A"))
            copy = io.BytesIO()
            page.save(copy, "WEBP", quality=quality)
            return copy.getvalue()
    except (*DAMAGED, MemoryError, Image.DecompressionBombError):
        return None
