"""What kind of picture an image is, by its names first and its pixels second."""

import re

from rl_assets.documentation.image_info import ImageFacts

# The first kind whose words stand in the file name, alt, title or caption. Stems, at the start of a word.
NAMED = (
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


def image_type(facts: ImageFacts, names: str) -> str:
    """One of IMAGE_TYPES. `names`: file name, alt, title and caption in one text."""
    words = " " + WORD_BREAKS.sub(" ", names.lower())
    if _is_badge_shaped(facts):
        return "badge"
    if _is_icon_shaped(facts):
        return "icon"
    named = next((kind for kind, stems in NAMED if re.search(rf" (?:{stems})", words)), None)
    return named or _by_pixels(facts)


def _is_badge_shaped(facts: ImageFacts) -> bool:
    return 0 < facts.height <= 40 and facts.width >= 2.5 * facts.height


def _is_icon_shaped(facts: ImageFacts) -> bool:
    return 0 < max(facts.width, facts.height) <= 64


def _by_pixels(facts: ImageFacts) -> str:
    """Flat areas make a screenshot, many colours a photo, what lies between a diagram or an illustration."""
    if facts.format == "svg":
        return "diagram"
    if facts.colours > 0.5 and facts.flat < 0.1:
        return "photo"
    if facts.flat > 0.3 and facts.saturation < 0.25:
        return "screenshot"
    return "illustration" if facts.saturation > 0.35 else "screenshot"
