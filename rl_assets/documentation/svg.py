"""SVG read as XML, never rendered: its size, and whether all of it is on the list of what cannot act.

The names are those of the SVG 2 specification (https://www.w3.org/TR/SVG2/, appendices "Element Index" and "Attribute
Index"), without scripts, events and what loads other documents. Text in HTML, as draw.io writes it, may be formatted.
Entities are never expanded and nothing is fetched.
"""

import re
from xml.parsers import expat

NUMBER = re.compile(r"\s*(\d{1,6}(?:\.\d+)?)\s*(?:px)?\s*")
SVG, XHTML, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml", "http://www.w3.org/1999/xlink"
# Namespaces of w3.org have a meaning for browsers, those of editors have none; metadata is written in RDF.
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
ELEMENTS_TEXT = """
a circle clipPath defs desc ellipse feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix
feDiffuseLighting feDisplacementMap feDistantLight feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR
feGaussianBlur feMerge feMergeNode feMorphology feOffset fePointLight feSpecularLighting feSpotLight feTile
feTurbulence filter font font-face foreignObject g glyph image line linearGradient marker mask metadata
missing-glyph path pattern polygon polyline radialGradient rect stop style svg switch symbol text textPath title
tspan use view animate animateMotion animateTransform mpath set
"""
HTML_ELEMENTS_TEXT = """
b blockquote br center code dd div dl dt em font h1 h2 h3 h4 h5 h6 hr i li ol p pre s small span strike strong sub
sup table tbody td th thead tr tt u ul
"""
ATTRIBUTES_TEXT = """
accumulate additive agent align alignment-baseline amplitude attributeName attributeType azimuth baseFrequency
baseProfile baseline-shift begin bgcolor bias border by calcMode cellpadding cellspacing class clip clip-path
clip-rule clipPathUnits color color-interpolation color-interpolation-filters color-profile color-rendering colspan
content contentScriptType contentStyleType crossorigin cursor cx cy d decoding diffuseConstant dir direction display
divisor dominant-baseline dur dx dy edgeMode elevation enable-background end etag exponent externalResourcesRequired
face fill fill-opacity fill-rule filter filterRes filterUnits flood-color flood-opacity font font-family font-size
font-size-adjust font-stretch font-style font-variant font-weight fr from fx fy glyph-name glyph-orientation-vertical
gradientTransform gradientUnits height host href hreflang horiz-adv-x id image-rendering in in2 intercept isolation
k k1 k2 k3 k4 kernelMatrix kernelUnitLength kerning keyPoints keySplines keyTimes lang lengthAdjust letter-spacing
lighting-color limitingConeAngle line-height lineHeight linkTarget marker marker-end marker-mid marker-start
markerHeight markerUnits markerWidth mask mask-type maskContentUnits maskUnits max media min mix-blend-mode mode
modified name nonce numOctaves offset opacity operator order orient orientation origin overflow overflow-x overflow-y
paint-order panose-1 path pathLength patternContentUnits patternTransform patternUnits pointer-events points
pointsAtX pointsAtY pointsAtZ preserveAlpha preserveAspectRatio primitiveUnits r radius refX refY rel repeatCount
repeatDur requiredExtensions requiredFeatures restart result role rotate rowspan rx ry scale seed shape-rendering
side size slope spacing specularConstant specularExponent spreadMethod startOffset stdDeviation stitchTiles
stop-color stop-opacity stroke stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit
stroke-opacity stroke-width style surfaceScale systemLanguage tabindex tableValues target targetX targetY text-align
text-anchor text-decoration text-overflow text-rendering textLength title to transform transform-box
transform-origin type u1 u2 underline-position underline-thickness unicode unicode-bidi unicode-range units-per-em
valign values vector-effect version vert-adv-y vert-origin-x vert-origin-y viewBox viewTarget visibility white-space
width word-spacing writing-mode x x1 x2 xChannelSelector x-height y y1 y2 yChannelSelector z zoomAndPan ascent
descent cap-height accent-height alphabetic bbox slope stemh stemv
"""
ANIMATED_TEXT = """
cx cy d display fill fill-opacity fx fy height offset opacity points r rx ry stop-color stop-opacity stroke
stroke-dasharray stroke-dashoffset stroke-opacity stroke-width transform viewBox visibility width x x1 x2 y y1 y2
"""
ELEMENTS, HTML_ELEMENTS, ATTRIBUTES, ANIMATED = (
    frozenset(names.split()) for names in (ELEMENTS_TEXT, HTML_ELEMENTS_TEXT, ATTRIBUTES_TEXT, ANIMATED_TEXT)
)
# Links to a place in the file, to pages, to files nearby, and images of pixels within the file.
LINK = re.compile(r"#.*|https?:.*|mailto:.*|data:image/(?:png|jpe?g|gif|webp|avif|bmp)[;,].*|[^:]*", re.DOTALL)
CODE = re.compile(r"(?:java|vb)script:|expression\(|-moz-binding|data:text|data:application|data:image/svg")


class ActiveSvgError(ValueError):
    """An SVG with a part that is not on the list; the message names it."""


class NoSvgError(ValueError):
    """XML of another kind, or none."""


def svg_size(data: bytes) -> tuple[int, int]:
    """(width, height) in pixels, 0 if not stated. Raises ActiveSvgError, or NoSvgError for what no browser shows."""
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.EntityDeclHandler = reader.entity
    parser.ProcessingInstructionHandler = reader.instruction
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        if isinstance(error, (ActiveSvgError, NoSvgError)):
            raise
        raise NoSvgError(f"XML that browsers refuse: {error}") from error
    return reader.size or (0, 0)


class _Reader:
    """Checks elements, attributes and styles as the parser meets them."""

    def __init__(self) -> None:
        self.size: tuple[int, int] | None = None
        self.styles = 0
        self.style: list[str] = []

    def start(self, element: str, attributes: dict[str, str]) -> None:
        namespace, _, name = element.rpartition(" ")
        if self.size is None:
            if name != "svg" or namespace not in ("", SVG):
                raise NoSvgError("XML without <svg>")
            self.size = _size(attributes)
        _check_element(namespace, name)
        for attribute, value in attributes.items():
            _check_attribute(name, attribute, value)
        if name in ("animate", "set") and attributes.get("attributeName") not in ANIMATED:
            raise ActiveSvgError(f"<{name}> of {attributes.get('attributeName')}")
        self.styles += name == "style"

    def end(self, element: str) -> None:
        if element.rpartition(" ")[2] == "style":
            self.styles -= 1
            _check_code("".join(self.style), "<style>")
            self.style = []

    def text(self, text: str) -> None:
        if self.styles:
            self.style.append(text)

    def entity(self, name: str, *_: object) -> None:
        raise ActiveSvgError(f"<!ENTITY {name}>")

    def instruction(self, target: str, _: str) -> None:
        if target.lower() == "xml-stylesheet":
            raise ActiveSvgError(f"<?{target}?>")


def _check_element(namespace: str, name: str) -> None:
    if namespace in ("", SVG):
        known = name in ELEMENTS or name in HTML_ELEMENTS
    elif namespace == XHTML:
        known = name in HTML_ELEMENTS
    else:
        known = namespace == RDF or "w3.org" not in namespace.lower()
    if not known:
        raise ActiveSvgError(f"<{name}>")


def _check_attribute(element: str, attribute: str, value: str) -> None:
    namespace, _, name = attribute.rpartition(" ")
    where = f"{name} on <{element}>"
    if namespace in ("", SVG) and name not in ATTRIBUTES and not name.startswith(("data-", "aria-")):
        raise ActiveSvgError(where)
    if namespace in ("", SVG, XLINK) and name == "href" and not LINK.fullmatch(_as_browsers_read(value)):
        raise ActiveSvgError(where)
    if name != "content":  # The drawing's source, for its editor.
        _check_code(value, where)


def _check_code(value: str, where: str) -> None:
    if CODE.search(_as_browsers_read(re.sub(r"/\*.*?\*/|\\", "", value, flags=re.DOTALL))):
        raise ActiveSvgError(where)


def _as_browsers_read(value: str) -> str:
    """Without spaces and control characters, which browsers ignore in the scheme of a link; in lower case."""
    return "".join(character for character in value if character > " " and character.isprintable()).lower()


def _size(attributes: dict[str, str]) -> tuple[int, int]:
    box = attributes.get("viewBox", "").replace(",", " ").split()
    width, height = (_length(attributes.get(name), box[2 + i : 3 + i]) for i, name in enumerate(("width", "height")))
    return width, height


def _length(attribute: str | None, box: list[str]) -> int:
    """Pixels of a width or height, from the view box if it is relative; 0 if neither states it."""
    for text in (attribute, *box):
        length = NUMBER.fullmatch(text or "")
        if length:
            return round(float(length[1]))
    return 0
