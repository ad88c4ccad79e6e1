"""Which images an HTML element shows: one function per element in one table, and the images of a site's components."""

import re
from collections.abc import Callable, Mapping

from rl_assets.documentation.image_markup import IMAGE_FILE, IMAGE_PATH
from rl_assets.documentation.jsx import SEPARATOR, expression_sources

Attributes = Mapping[str, str | None]
# What HTML itself defines; anything else that names an image file is a component of the site's framework.
NO_COMPONENT = {"a", "audio", "body", "iframe", "link", "meta", "script", "source", "td", "table", "th", "track", "svg"}
COMPONENT_ATTRIBUTES = (
    *("src", "img", "image", "lightsrc", "darksrc", "sources", "light", "dark", "before", "after"),
    *("icon", "logo", "cover", "thumbnail", "poster"),
)
LAZY = ("data-src", "data-original", "data-lazy-src", "data-lazy")
BOUND = (":src", "v-bind:src")  # Vue; the value is an expression.
# In a style; in JSX the value alone may be left of `{{backgroundImage: "url(x.png)"}}`.
BACKGROUND = re.compile(r"(?:background(?:-?image)?\s*:[^;]{0,200}?|^\s*)url\(\s*['\"]?([^'\")]+)", re.IGNORECASE)


def image_sources(tag: str, attributes: Attributes, components: bool) -> list[str]:
    """The sources of the images that an element shows, as written; [""] for an `<img>` without any.

    `components=False` reads `<img>` alone.
    """
    if tag == "img":
        return _img(attributes)
    if not components:
        return []
    sources = SHOWN[tag](attributes) if tag in SHOWN else [] if tag in NO_COMPONENT else _component(attributes)
    return [source for source in dict.fromkeys([*sources, *_background(attributes)]) if source]


def first_of_srcset(attributes: Attributes) -> str:
    """The first candidate of `srcset`; the others are the same image at other sizes."""
    return _text(attributes, "srcset").split(",")[0].strip().split(" ")[0]


def _img(attributes: Attributes) -> list[str]:
    source = _text(attributes, "src")
    lazy = next((value for name in LAZY if (value := _text(attributes, name))), "")
    if not source or (lazy and source.startswith("data:")):
        source = lazy or source or first_of_srcset(attributes) or _bound(attributes)
    return source.split(SEPARATOR) if source else _component(attributes) or [""]


def _bound(attributes: Attributes) -> str:
    expression = next((value for name in BOUND if (value := _text(attributes, name))), "")
    return next(iter(expression_sources(expression, {})), f"{{{expression}}}") if expression else ""


def _component(attributes: Attributes) -> list[str]:
    values = [value for name in COMPONENT_ATTRIBUTES for value in _text(attributes, name).split(SEPARATOR)]
    return [value for value in values if IMAGE_FILE.fullmatch(value)]


def _poster(attributes: Attributes) -> list[str]:
    return [_text(attributes, "poster")]


def _object(attributes: Attributes) -> list[str]:
    return [value for name in ("data", "src") if IMAGE_PATH.fullmatch(value := _text(attributes, name))]


def _input(attributes: Attributes) -> list[str]:
    return [_text(attributes, "src")] if _text(attributes, "type").lower() == "image" else []


def _svg_image(attributes: Attributes) -> list[str]:
    return [_text(attributes, "href") or _text(attributes, "xlink:href")]


SHOWN: Mapping[str, Callable[[Attributes], list[str]]] = {
    "video": _poster,
    "object": _object,
    "embed": _object,
    "input": _input,
    "image": _svg_image,
}


def _background(attributes: Attributes) -> list[str]:
    return [file for style in _text(attributes, "style").split(SEPARATOR) for file in BACKGROUND.findall(style)]


def _text(attributes: Attributes, name: str) -> str:
    return (attributes.get(name) or "").strip()
