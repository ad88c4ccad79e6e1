"""Dialects of documentation tools to plain CommonMark: front matter, boxes and figures, MDX.

CommonMark reads the indented content of an admonition as code, a figure directive as code, and everything between two
JSX tags as raw HTML; readers of the built site see prose and images there. Line numbers never change.
"""

import re

from rl_assets.documentation import jsx
from rl_assets.documentation.fences import Fences
from rl_assets.documentation.forms import Form, Lines, form_at
from rl_assets.documentation.front_matter import title_as_heading
from rl_assets.documentation.mdx_text import without_expressions

INDENT_WITH_TABS = re.compile(r"^ *\t[ \t]*", re.MULTILINE)
TAB = 4  # As in CommonMark.


def as_commonmark(text: str, suffix: str) -> str:
    """Markdown of a documentation site as CommonMark; `suffix` is the file's, ".mdx" or another."""
    text = INDENT_WITH_TABS.sub(lambda indent: indent[0].expandtabs(TAB), title_as_heading(text))
    mdx = suffix == ".mdx"
    return _without_jsx(_without_forms(text, mdx), mdx)


class _Blocks:
    """The boxes that are open at a line: by the depth of their content, or by the fence that ends them."""

    def __init__(self, mdx: bool) -> None:
        self.depths: list[int] = []
        self.closers: list[str] = []
        self.mdx = mdx
        self.fence = Fences(any_indent=mdx)

    @property
    def depth(self) -> int:
        return self.depths[-1] if self.depths else 0

    def leave(self, line: str) -> None:
        """Close the boxes whose indented content ends before the line."""
        indent = len(line) - len(line.lstrip(" "))
        while self.depths and line.strip() and indent < self.depth:
            self.depths.pop()
            self.fence = Fences(any_indent=self.mdx)  # A fence ends with the block that holds it.

    def enter(self, form: Form, line: str) -> None:
        """Open the box of a form that starts at the line."""
        if form.indent:
            self.depths.append(len(line) - len(line.lstrip(" ")) + form.indent)
        if form.closer:
            self.closers.append(form.closer)

    def closes(self, content: str) -> bool:
        """True for the end of the innermost box that is written as a fence."""
        ends = bool(self.closers) and not self.fence.mark and content.strip() == self.closers[-1]
        if ends:
            self.closers.pop()
        return ends


def _without_forms(text: str, mdx: bool) -> str:
    """The text with the forms of documentation tools replaced, their content moved to the left; code stays as it is."""
    lines, blocks = text.split("\n"), _Blocks(mdx)
    plain: list[str] = []
    while len(plain) < len(lines):
        line = lines[len(plain)]
        blocks.leave(line)
        content = line[blocks.depth :]
        if blocks.closes(content):
            plain.append("")
        elif blocks.fence.mark or not (form := form_at(Lines(lines, len(plain), blocks.depth))):
            blocks.fence.contains(content)
            plain.append(content)
        else:
            blocks.enter(form, line)
            plain.extend(form.lines)
    return "\n".join(plain)


def _without_jsx(text: str, mdx: bool) -> str:
    """JSX as HTML: module statements vanish, expressions become values; in MDX also components and comments."""
    fence, names, open_brackets = Fences(any_indent=mdx), dict[str, str](), 0
    lines, code = list[str](), list[bool]()
    for line in (_without_comments(text) if mdx else text).split("\n"):
        code.append(fence.contains(line))
        bound = {} if code[-1] else jsx.imported_names(line, names)
        names |= bound
        # A module statement interrupts no paragraph.
        starts = mdx and not (lines and lines[-1].strip()) and jsx.MODULE_STATEMENT.match(line)
        if not code[-1] and (bound or open_brackets > 0 or starts):
            # A statement goes on while brackets are open; a blank line ends it in any case.
            open_brackets = max(0, open_brackets + _opened(line)) if mdx and line.strip() else 0
            lines.append("")
        else:
            lines.append(jsx.html_components(line, names) if mdx and not code[-1] else line)
    return "\n".join(_with_values(lines, code, names, mdx))


def _without_comments(text: str) -> str:
    """MDX without {/* comments */}, line breaks kept; in one pass, however many are opened and never closed."""
    fence, kept, in_comment = Fences(any_indent=True), list[str](), False
    closing = text.rfind("*/}")
    start = 0
    for line in text.split("\n"):
        code = not in_comment and fence.contains(line)
        shown, at = "", 0
        while not code and at <= len(line):
            mark = "*/}" if in_comment else "{/*"
            end = line.find(mark, at)
            if end < 0 or (not in_comment and start + end > closing):
                break
            shown += "" if in_comment else line[at:end]
            in_comment, at = not in_comment, end + len(mark)
        kept.append(shown + ("" if in_comment else line[at:]))
        start += len(line) + 1
    return "\n".join(kept)


def _opened(line: str) -> int:
    return sum(line.count(bracket) for bracket in "{[(") - sum(line.count(bracket) for bracket in "}])")


def _with_values(lines: list[str], code: list[bool], names: dict[str, str], mdx: bool) -> list[str]:
    """The lines with expressions resolved between code fences; a tag may span lines, and never a fence."""
    result, start = list[str](), 0
    for end in range(1, len(lines) + 1):
        if end == len(lines) or code[end] != code[start]:
            block = "\n".join(lines[start:end])
            result.append(block if code[start] else _values(block, names, mdx))
            start = end
    return result


def _values(block: str, names: dict[str, str], mdx: bool) -> str:
    html = jsx.bound_sources(jsx.html_attributes(block, names), names)
    return without_expressions(html) if mdx else html
