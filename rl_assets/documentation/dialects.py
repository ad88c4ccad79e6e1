"""Dialects of documentation tools to plain CommonMark, line by line: MkDocs' indented blocks, MDX, front matter.

CommonMark reads the indented content of an admonition as code, and everything between two JSX tags as raw HTML;
readers of the built site see prose and images there. Line numbers never change.
"""

import re

FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n.*?^(?:---|\.\.\.)[ \t]*$", re.DOTALL | re.MULTILINE)
FENCE = re.compile(r" {0,3}(?:[-*+] +|\d+[.)] +)*(`{3,}|~{3,})([^\n]*)")
# MkDocs Material: admonitions (!!!), collapsible ones (??? and ???+) and tabs (===), each with an optional title.
INDENTED_BLOCK = re.compile(r"(?:!!!|\?\?\?\+?|===[!+]?)[ \t]+[\w\"].*")
TITLE = re.compile(r'"([^"]*)"')
# PyMdown blocks (/// note | Title ... ///), Jinja statements, MDX imports and exports.
STATEMENT = re.compile(r"\s*(?:/{3,}.*|\{%-?.*?-?%\})\s*$")
MODULE_STATEMENT = re.compile(r"(?:import|export)\s.*(?:from\s|=|['\"]).*$")
QUOTED_EXPRESSION = re.compile(r"=\{\s*(\"[^\"{}]*\"|'[^'{}]*'|`[^`{}$]*`)\s*\}")
EXPRESSION = re.compile(r"=\{(?:[^{}\n]|\{[^{}\n]*\}){0,400}\}")
STYLE_OBJECT = re.compile(r"\b(style|className|class)=\{\{[^{}\n]*\}\}")
COMPONENT = re.compile(r"<(/?)([A-Z][\w.]*)(?=[\s/>])")


def without_front_matter(text: str) -> str:
    """The text with its YAML header blanked, so that all line numbers stay."""
    header = FRONT_MATTER.match(text)
    return "\n" * header[0].count("\n") + text[header.end() :] if header else text


def as_commonmark(text: str, suffix: str) -> str:
    """Markdown of a documentation site as CommonMark; `suffix` is the file's, ".mdx" or another."""
    lines = _unindented(without_front_matter(text).split("\n"))
    plain = "\n".join("" if STATEMENT.fullmatch(line) else STYLE_OBJECT.sub(r'\1=""', line) for line in lines)
    return _without_jsx(plain) if suffix == ".mdx" else plain


class _Fence:
    """Tracks, line by line, whether a code fence is open."""

    def __init__(self) -> None:
        self.mark = ""

    def contains(self, line: str) -> bool:
        """True for the lines of a fence, including its first and last."""
        match = FENCE.match(line)
        if self.mark:
            closes = match and match[1].startswith(self.mark) and not match[2].strip()
            self.mark = "" if closes else self.mark
            return True
        if match and not (match[1][0] == "`" and "`" in match[2]):
            self.mark = match[1]
            return True
        return False


def _unindented(lines: list[str]) -> list[str]:
    """Lines with the content of MkDocs' indented blocks moved to the left, at any depth; fences stay as they are."""
    depths: list[int] = []
    fence, plain = _Fence(), list[str]()
    for line in lines:
        indent = len(line) - len(line.lstrip(" "))
        if line.strip():
            while depths and indent < depths[-1]:
                depths.pop()
                fence = _Fence()  # A fence ends with the block that holds it.
        content = line[depths[-1] if depths else 0 :]
        if fence.contains(content) or not INDENTED_BLOCK.fullmatch(content.strip()):
            plain.append(content)
        else:
            depths.append(indent + 4)
            title = TITLE.search(content)
            plain.append(title[1] if title else "")
    return plain


def _without_jsx(text: str) -> str:
    """MDX whose components are HTML elements `x-<name>` (an `Image` stays one) and whose expressions are strings."""
    fence, lines = _Fence(), []
    for line in _without_comments(text).split("\n"):
        code = fence.contains(line)
        lines.append(line if code else _html_of_jsx("" if MODULE_STATEMENT.match(line) else line))
    return "\n".join(lines)


def _without_comments(text: str) -> str:
    """MDX without {/* comments */}, line breaks kept; in one pass, however many are opened and never closed."""
    kept, done = [], 0
    while (start := text.find("{/*", done)) >= 0 and (end := text.find("*/}", start)) >= 0:
        kept += [text[done:start], "\n" * text.count("\n", start, end)]
        done = end + 3
    return "".join([*kept, text[done:]])


def _html_of_jsx(line: str) -> str:
    line = QUOTED_EXPRESSION.sub(lambda match: f'="{match[1][1:-1]}"', line)
    line = EXPRESSION.sub('="{}"', line)
    return COMPONENT.sub(lambda match: f"<{match[1]}{'img' if match[2] == 'Image' else 'x-' + match[2].lower()}", line)
