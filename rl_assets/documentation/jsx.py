"""JSX of MDX pages as HTML: components, attributes whose values are expressions, imports, comments.

Nothing is executed. An expression that names a file (a string, `require`, `useBaseUrl`, an imported name) becomes its
path; any other stays as written, in braces, so that an image with such a source is reported by its own name. Docusaurus
documents these forms under "Static Assets" and "MDX and React"; VitePress documents `withBase` under "Asset Handling".
"""

import html
import re
from collections.abc import Callable, Iterator, Mapping

from rl_assets.documentation.image_markup import IMAGE_FILE

MAX_TAG_CHARACTERS = 4000
STRING = r"(?:\"([^\"\n]*)\"|'([^'\n]*)'|`([^`$\n]*)`)"
LITERAL = re.compile(rf"\s*{STRING}\s*")
REQUIRE = re.compile(rf"\s*require\(\s*{STRING}\s*\)(?:\.default)?\s*")
SITE_ROOT = re.compile(rf"\s*(?:useBaseUrl|\$?withBase|withBaseUrl)\(\s*{STRING}\s*(?:,[^()]*)?\)\s*")
NAME = re.compile(r"\s*([A-Za-z_$][\w$]*)(?:\.(?:default|src))?\s*")
OBJECT = re.compile(r"\s*\{(.*)\}\s*", re.DOTALL)
MEMBER = re.compile(r"[\w'\"-]{1,40}\s*:\s*((?:\"[^\"]*\"|'[^']*'|`[^`]*`|\([^()]*\)|[^,(\"'`])+)")
# Between two sources of one attribute; no file name contains it.
SEPARATOR = "\t"

IMPORT = re.compile(
    r"[ \t]*import\s+(?:\*\s+as\s+)?([A-Za-z_$][\w$]*)(?:\s*,[^'\"]*)?\s+from\s+(['\"])([^'\"]+)\2;?\s*"
)
CONSTANT = re.compile(r"[ \t]*(?:export\s+)?const\s+([A-Za-z_$][\w$]*)\s*=\s*([^;]+);?\s*")
# At the start of a block; prose that begins with "import" or "export" is none.
MODULE_STATEMENT = re.compile(
    r"import\s*(?:type\s+)?(?:[{*'\"]|[A-Za-z_$][\w$]*\s*(?:,\s*[{*]|\sfrom\b))|"
    r"export\s+(?:default|const|let|var|function|async|class|type|interface)\b|export\s*[{*]"
)

CODE_SPAN = r"(?<!`)(`+)(?!`)[^\n]*?(?<!`)\1(?!`)"
CODE_SPAN_OR_TAG = re.compile(rf"{CODE_SPAN}|<([A-Za-z][\w.:-]*)(?=[\s/>])")
CODE_SPAN_OR_COMPONENT = re.compile(rf"{CODE_SPAN}|<(/?)([A-Z][\w.]*)(?=[\s/>])")
ELEMENT = re.compile(r"\s*\(?\s*<[A-Za-z][\w.-]*\s[^<>]*>\s*\)?\s*")
SOURCE = re.compile(rf"\ssrc\s*=\s*(?:{STRING}|\{{([^{{}}]*)\}})")
CODE_SPAN_OR_BOUND = re.compile(rf"{CODE_SPAN}|\s(?::|v-bind:)src=(?:\"([^\"\n]*)\"|'([^'\n]*)')")
ATTRIBUTE = re.compile(r"\s+([A-Za-z_:@][\w:.@-]*)(\s*=\s*)?|\s*(?=\{)")
VALUE = re.compile(rf"\"[^\"]{{0,{MAX_TAG_CHARACTERS}}}\"|'[^']{{0,{MAX_TAG_CHARACTERS}}}'|[^\s\"'=<>`{{}}]+")

# In place of `{...props}`; a tag with a blank line would be none.
SPREAD = "data-rl-spread"

Names = Mapping[str, str]


def imported_names(line: str, names: Names) -> dict[str, str]:
    """The name and the file that a line of a module binds: an import, or a constant that names a file."""
    if imported := IMPORT.fullmatch(line):
        return {imported[1]: imported[3]}
    if constant := CONSTANT.fullmatch(line):
        files = expression_sources(constant[2], names)
        return {constant[1]: files[0]} if files else {}
    return {}


def expression_sources(expression: str, names: Names) -> list[str]:
    """The files or texts that an expression stands for; none if only running the page would tell."""
    return next((sources for form in EXPRESSIONS if (sources := form(expression, names))), [])


def _literal(expression: str, names: Names) -> list[str]:
    match = LITERAL.fullmatch(expression)
    return [string_of(match)] if match else []


def _required(expression: str, names: Names) -> list[str]:
    match = REQUIRE.fullmatch(expression)
    return [string_of(match)] if match else []


def _below_site_root(expression: str, names: Names) -> list[str]:
    match = SITE_ROOT.fullmatch(expression)
    return ["/" + string_of(match).lstrip("/")] if match else []


def _imported(expression: str, names: Names) -> list[str]:
    match = NAME.fullmatch(expression)
    return [names[match[1]]] if match and match[1] in names else []


def _object(expression: str, names: Names) -> list[str]:
    """`{light: ..., dark: ...}`: all members that name a file, the others as written."""
    match = OBJECT.fullmatch(expression)
    if not match or len(expression) > MAX_TAG_CHARACTERS:
        return []
    members = [member.strip() for member in MEMBER.findall(match[1])]
    known = [expression_sources(member, names) if "{" not in member else [] for member in members]
    if not any(known):
        return []
    return [source for member, files in zip(members, known, strict=True) for source in files or [f"{{{member}}}"]]


def _element(expression: str, names: Names) -> list[str]:
    """`<img src="x.png" />`: an element as a value."""
    source = SOURCE.search(expression) if ELEMENT.fullmatch(expression) else None
    if not source:
        return []
    return expression_sources(source[4], names) if source[4] is not None else [string_of(source)]


EXPRESSIONS: tuple[Callable[[str, Names], list[str]], ...] = (
    *(_literal, _required, _below_site_root, _imported, _object, _element),
)


def string_of(match: re.Match[str]) -> str:
    """The text of a string in any of the quotes of JavaScript."""
    return next((group for group in match.groups() if group is not None), "")


def html_components(line: str, names: Names) -> str:
    """Components as HTML elements `x-<name>`; `Image`, or an imported image as a component, is an `img`."""
    return CODE_SPAN_OR_COMPONENT.sub(lambda match: _component(match, names), line)


def _component(match: re.Match[str], names: Names) -> str:
    name, source = match[3], names.get(match[3] or "", "")
    if not name:
        return match[0]
    if IMAGE_FILE.fullmatch(source):
        return "</img" if match[2] else f'<img src="{html.escape(source)}"'
    return f"<{match[2]}{'img' if name == 'Image' else 'x-' + name.lower()}"


def bound_sources(text: str, names: Names) -> str:
    """The text with the imported names of Vue's `:src="name"` as files."""
    return CODE_SPAN_OR_BOUND.sub(lambda match: _bound(match, names), text) if names else text


def _bound(match: re.Match[str], names: Names) -> str:
    expression = match[2] if match[2] is not None else match[3]
    sources = _imported(expression or "", names)
    return f'{match[0][0]}src="{html.escape(sources[0])}"' if sources else match[0]


def html_attributes(text: str, names: Names) -> str:
    """The text with the expressions in its tags as quoted values and without spread attributes; lines stay."""
    if "{" not in text:
        return text
    closing = closing_braces(text)
    kept, done = [], 0
    for tag in CODE_SPAN_OR_TAG.finditer(text):
        if tag[2] and tag.start() >= done:
            for start, end, value in _expressions(text, tag.end(), closing, names):
                kept += [text[done:start], value]
                done = end
    return "".join([*kept, text[done:]])


def closing_braces(text: str) -> dict[int, int]:
    """The position of each opening brace's closing one."""
    closing, opened = {}, []
    for brace in re.finditer(r"[{}]", text):
        if brace[0] == "{":
            opened.append(brace.start())
        elif opened:
            closing[opened.pop()] = brace.start()
    return closing


def _expressions(text: str, at: int, closing: Mapping[int, int], names: Names) -> Iterator[tuple[int, int, str]]:
    """(start, end, replacement) of the expressions among the attributes of the tag whose name ends at `at`."""
    limit = at + MAX_TAG_CHARACTERS
    while at < limit and (attribute := ATTRIBUTE.match(text, at)):
        at = attribute.end()
        if text[at : at + 1] == "{" and (attribute[2] or not attribute[1]):
            end = closing.get(at, limit) + 1
            if end > limit:
                return
            expression = text[at + 1 : end - 1]
            yield at, end, _quoted(expression, names) if attribute[2] else SPREAD + "\n" * expression.count("\n")
            at = end
        elif attribute[2]:
            value = VALUE.match(text, at)
            if not value:
                return
            at = value.end()


def _quoted(expression: str, names: Names) -> str:
    sources = expression_sources(expression, names)
    value = SEPARATOR.join(sources) if sources else f"{{{expression}}}"
    missing = expression.count("\n") - value.count("\n")
    return f'"{html.escape(value)}{chr(10) * missing}"'
