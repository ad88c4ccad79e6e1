"""Documentation small enough for the embedded base model: pages of 32 parts, with pictures and without.

A held-out page is of a part and a view that are each known from other pages, and together from none: the right path
can be composed, and cannot be remembered.
"""

from rl_assets.models.tiny.parts_manual import NAMES
from rl_assets_tests.support.documentation_sites import picture

VIEWS = (
    *("front", "back", "side", "top", "inside", "mounting", "drawing", "wear", "label", "package"),
    *("thread", "seal", "edge", "corner", "hole", "joint", "surface", "coating", "marking", "tool"),
)
WITHOUT_PICTURE = ("price", "storage", "supplier", "weight", "order", "return", "age", "discount", "history")


def manual_site() -> dict[str, str | bytes]:
    """Files of a site: 640 pages with a picture each, 288 without."""
    files: dict[str, str | bytes] = {}
    for part in NAMES:
        for view in VIEWS:
            number = len(NAMES) * VIEWS.index(view) + NAMES.index(part)
            files[f"{part}/{view}.md"] = (
                f"# {part.title()}\n\n## {part.title()} {view}\n\n"
                f"The {view} of the {part} looks like the following picture:\n\n"
                f"![The {part} {view}](../img/{part}-{view}.png)\n\nCompare it with your {part} before you use it.\n"
            )
            files[f"img/{part}-{view}.png"] = picture(160 + number // 256, 120, seed=number)
        for aspect in WITHOUT_PICTURE:
            files[f"{part}/{aspect}.md"] = (
                f"# {part.title()}\n\n## {part.title()} {aspect}\n\n"
                f"The {aspect} of the {part} is written on its card, so ask the desk for the card first.\n"
            )
    return files
