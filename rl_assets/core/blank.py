"""What counts as an empty text: one that shows nothing. The one definition, for Python and for SQL.

An answer is empty, too, if it consists of thoughts alone: nothing follows the last `</think>`, or `<think>` was never
closed. DeepSeek-R1, Qwen3 and others write these tags, `<thinking>` is written by prompt, `[THINK]` by Magistral.

Blank are whitespace, control characters, all code points with Unicode's property Default_Ignorable_Code_Point (joiners,
variation selectors, fillers, tags, byte order marks), interlinear annotation marks, and signs that are empty by design:
the empty Braille pattern, the empty notehead and the Egyptian blanks.
"""

import re

RANGES = (
    *((0x00, 0x20), (0x7F, 0xA0), (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x1680, 0x1680)),
    *((0x17B4, 0x17B5), (0x180B, 0x180F), (0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x206F), (0x2800, 0x2800)),
    *((0x3000, 0x3000), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB)),
    *((0x13441, 0x13442), (0x1BCA0, 0x1BCA3), (0x1D159, 0x1D159), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
)
# The ranges inside the brackets of a pattern, in the syntax of RE2, which DuckDB uses, and of Python.
RE2_CLASS = "".join(rf"\x{{{first:X}}}-\x{{{last:X}}}" for first, last in RANGES)
_CLASS = "".join(rf"\U{first:08x}-\U{last:08x}" for first, last in RANGES)
# What comes before the text that an answer shows, in the same syntaxes; a template may have opened the thoughts.
RE2_THOUGHTS = rf"\A(?s:(?:.*(?:</think(?:ing)?>|\[/THINK\]))?[{RE2_CLASS}]*(?:(?:<think(?:ing)?>|\[THINK\]).*)?)"
_THOUGHTS = re.compile(RE2_THOUGHTS.replace(RE2_CLASS, _CLASS))
_THOUGHT_TAGS = ("<think", "</think", "THINK]")
_VISIBLE = re.compile(rf"[^{_CLASS}]")
_OUTER = re.compile(rf"\A[{_CLASS}]+|(?<![{_CLASS}])[{_CLASS}]+\Z")


def is_blank(text: str | None) -> bool:
    """Whether a text is missing or shows nothing."""
    return text is None or _VISIBLE.search(text) is None


def is_empty_answer(text: str | None) -> bool:
    """Whether an answer is missing, shows nothing, or has thoughts alone."""
    if text is None or not any(tag in text for tag in _THOUGHT_TAGS):
        return is_blank(text)
    return is_blank(_THOUGHTS.sub("", text))


def stripped(text: str) -> str:
    """The text without blank characters at its ends; those inside, such as joiners of an emoji, stay."""
    return _OUTER.sub("", text)
