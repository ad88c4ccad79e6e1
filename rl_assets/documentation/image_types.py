"""The type of an image, by words of its names that fit its size and colours, else by its shape and colours."""

import re

from rl_assets.documentation.image_info import ImageInfo

# Words of the file name, alt, title and caption, and of the folder `logos`. `_fits` says which images they apply to.
WORDS = (
    ("badge", r"badges?|shields?"),
    ("logo", r"logos?|wordmark|sponsors?|logotype"),
    ("icon", r"icons?|favicon|emoji|avatar"),
    (
        "diagram",
        r"diagrams?|drawio|architecture|flow ?charts?|topology|uml|mermaid|sequence|life ?cycle|schematic",
    ),
    ("chart", r"charts?|plots?|histograms?|heat ?maps?|scatter ?plots?|benchmarks?"),
    ("illustration", r"illustrations?|banner|hero|drawing|cartoon|comic|meme|social cards?"),
    ("photo", r"photos?|photograph|portrait"),
    ("screenshot", r"screen ?shots?|screen|ui|dashboard|dialog|window|console|terminal|button|menu|settings|editor"),
)
PATTERNS = tuple((name, re.compile(rf"\b(?:{words})\b")) for name, words in WORDS)
# Words that name a drawing of nodes and edges, or something else that a screenshot shows.
WEAK_DIAGRAM = re.compile(r"\b(?:flows?|workflow|pipeline|graph|schema|cycle|visuali[sz]\w*|viz|tree)\b")
WORD_BREAKS = re.compile(r"[^a-z0-9]+")

MAX_BADGE_HEIGHT, MAX_ICON_EDGE, MAX_NAMED_ICON_EDGE, MAX_LOGO_SVG_HEIGHT = 40, 64, 256, 100
# A page has at least a line of text; below this are overlays, patterns and blank images.
BLANK = 0.975


def image_type(info: ImageInfo, names: str) -> str:
    """One of IMAGE_TYPES. `names`: file name, alt, title and caption in one text, and `logos` if its folder is that."""
    if 0 < info.height <= MAX_BADGE_HEIGHT and info.width >= 2.5 * info.height:
        return "badge"
    if 0 < max(info.width, info.height) <= MAX_ICON_EDGE:
        return "icon"
    words = WORD_BREAKS.sub(" ", names.lower())
    named = next((name for name, pattern in PATTERNS if pattern.search(words) and _fits(name, info)), None)
    if named in (None, "screenshot") and _is_logo_shaped(info):
        return "logo"
    if named is None and WEAK_DIAGRAM.search(words) and _is_line_drawing(info):
        return "diagram"
    return named or _type_by_pixels(info)


def _fits(name: str, info: ImageInfo) -> bool:
    """Whether an image of this size and these colours can be what its names say."""
    if name == "badge":
        return info.height <= 2 * MAX_BADGE_HEIGHT
    if name == "icon":
        return max(info.width, info.height) <= MAX_NAMED_ICON_EDGE
    if name in ("diagram", "chart"):
        return not _is_photographic(info)
    if name == "photo":
        return info.format != "svg" and info.dominant_colour < 0.4
    return True


def _is_photographic(info: ImageInfo) -> bool:
    return info.format != "svg" and info.colours > 0.5 and info.dominant_colour < 0.1


def _is_logo_shaped(info: ImageInfo) -> bool:
    """A mark in the middle of an empty square, or a vector image as low as a line of text or two."""
    if info.format == "svg":
        return 0 < info.height <= MAX_LOGO_SVG_HEIGHT
    squarish = max(info.width, info.height) <= 1.25 * min(info.width, info.height)
    return squarish and 0.93 <= info.dominant_colour < 0.995


def _is_line_drawing(info: ImageInfo) -> bool:
    return info.format == "svg" or (info.colours < 0.016 and info.saturation < 0.03)


def _type_by_pixels(info: ImageInfo) -> str:
    """Many colours make a photo; nothing but a surface, or strong colours, an illustration; SVG a diagram."""
    if info.format == "svg":
        return "diagram"
    if _is_photographic(info):
        return "photo"
    return "illustration" if info.dominant_colour >= BLANK or info.saturation > 0.18 else "screenshot"
