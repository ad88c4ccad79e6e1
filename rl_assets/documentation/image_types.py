"""The type of an image, by its names first and its pixels second."""

import re

from rl_assets.documentation.image_info import ImageInfo

# The first type with a stem that starts a word of the file name, alt, title or caption.
STEMS = (
    ("badge", r"badge|shield"),
    ("logo", r"logo|brand|wordmark"),
    ("icon", r"icon|favicon|emoji|avatar"),
    (
        "diagram",
        r"diagram|drawio|architect|flow ?chart|flow|workflow|topology|pipeline|sequence|schema|lifecycle|graph of",
    ),
    ("chart", r"chart|plot|graph|histogram|heatmap|bar ?chart|scatter|benchmark"),
    ("illustration", r"illustration|banner|hero|cover|drawing|cartoon|comic|meme|zelda"),
    ("photo", r"photo|portrait|picture of"),
    ("screenshot", r"screen|ui\b|page|dashboard|dialog|window|console|terminal|app|click|button|menu|settings|editor"),
)
WORD_BREAKS = re.compile(r"[^a-z0-9]+")


def image_type(info: ImageInfo, names: str) -> str:
    """One of IMAGE_TYPES. `names`: file name, alt, title and caption in one text."""
    words = " " + WORD_BREAKS.sub(" ", names.lower())
    if _is_badge_shaped(info):
        return "badge"
    if _is_icon_shaped(info):
        return "icon"
    named = next((name for name, stems in STEMS if re.search(rf" (?:{stems})", words)), None)
    return named or _type_by_pixels(info)


def _is_badge_shaped(info: ImageInfo) -> bool:
    return 0 < info.height <= 40 and info.width >= 2.5 * info.height


def _is_icon_shaped(info: ImageInfo) -> bool:
    return 0 < max(info.width, info.height) <= 64


def _type_by_pixels(info: ImageInfo) -> str:
    """A dominant colour makes a screenshot, many colours a photo, strong colours an illustration; SVG a diagram."""
    if info.format == "svg":
        return "diagram"
    if info.colours > 0.5 and info.dominant_colour < 0.1:
        return "photo"
    if info.dominant_colour > 0.3 and info.saturation < 0.25:
        return "screenshot"
    return "illustration" if info.saturation > 0.35 else "screenshot"
