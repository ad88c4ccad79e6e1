"""Expressions in the text of MDX: a string is its text, an element in one is shown, and everything else is none."""

import html
import re

from rl_assets.documentation.html_tags import TAG
from rl_assets.documentation.jsx import CODE_SPAN, LITERAL, MAX_TAG_CHARACTERS, closing_braces, string_of

# What holds no expression, or one of its own: code, comments, tags, maths; braces that follow a word are maths too.
PART = re.compile(
    rf"{CODE_SPAN}|<!--(?:(?!-->).)*|{TAG}|(?<![\w^_}}\\$])(?P<open>\{{)",
    re.DOTALL,
)
ATTRIBUTE_LIST = re.compile(r"\s*[#.:]")  # {#id}, as Docusaurus has it.
ELEMENT = re.compile(r"</?[A-Za-z]")
NOT_A_LINE_BREAK = re.compile(r"[^\n]+")


def without_expressions(text: str) -> str:
    """MDX whose text has no expressions; the lines stay."""
    if "{" not in text:
        return text
    closing, removed = closing_braces(text), list[tuple[int, int, str]]()
    done = 0
    for part in PART.finditer(text):
        end = closing.get(part.start(), -1) if part["open"] and part.start() >= done else -1
        if 0 <= end <= part.start() + MAX_TAG_CHARACTERS:
            ranges = _removed(text, part.start(), end + 1)
            removed += ranges
            done = ranges[0][1] if ranges else done
    return _replaced(text, sorted(removed))


def _removed(text: str, start: int, end: int) -> list[tuple[int, int, str]]:
    """What takes the place of the expression or, if elements are in it, of what is before and after them."""
    expression = text[start + 1 : end - 1]
    if ATTRIBUTE_LIST.match(expression):
        return []
    if literal := LITERAL.fullmatch(expression):
        return [(start, end, html.escape(string_of(literal), quote=False))]
    element = ELEMENT.search(text, start, end)
    last = text.rfind(">", start, end) + 1
    if not element or last < element.start():
        return [(start, end, _blank(text[start:end]))]
    return [(start, element.start(), _blank(text[start : element.start()])), (last, end, _blank(text[last:end]))]


def _blank(text: str) -> str:
    return NOT_A_LINE_BREAK.sub(" ", text)


def _replaced(text: str, ranges: list[tuple[int, int, str]]) -> str:
    kept, done = [], 0
    for start, end, replacement in ranges:
        if start >= done:
            kept += [text[done:start], replacement]
            done = end
    return "".join([*kept, text[done:]])
