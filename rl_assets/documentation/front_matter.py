"""Headers of pages in YAML (`---`) or TOML (`+++`): metadata, of which readers of the built site see the title.

The title is read by its own line rather than by a parser of YAML, so that no header can cost memory or time.
"""

import html
import re

import yaml

FRONT_MATTER = re.compile(
    r"\A\ufeff?(?:---[ \t]*\r?\n.*?^(?:---|\.\.\.)|\+\+\+[ \t]*\r?\n.*?^\+\+\+)[ \t]*$", re.DOTALL | re.MULTILINE
)
# A folded or literal title (`title: >-`) stands on the next, indented line.
TITLE = re.compile(r"^title[ \t]*[:=][ \t]*(?:[>|][+-]?[ \t]*\r?\n[ \t]+)?(\S[^\r\n]*)", re.MULTILINE)
QUOTED = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^']|'')*)'")
COMMENT = re.compile(r"(?:^|\s)#.*")
MARKUP = re.compile(r"([\\`*_{}\[\]#!|~$])")
EMPTY = ("", "~", "null", "false")


def without_front_matter(text: str) -> str:
    """The text with its header blanked, so that all line numbers stay."""
    header = FRONT_MATTER.match(text)
    return "\n" * header[0].count("\n") + text[header.end() :] if header else text


def title_as_heading(text: str) -> str:
    """The text without its header, whose title becomes a first heading; a first heading of the page replaces it."""
    header = FRONT_MATTER.match(text)
    title = _title(header[0]) if header else ""
    if not title:
        return without_front_matter(text)
    return f"# {MARKUP.sub(_escaped, html.escape(title, quote=False))}{without_front_matter(text)}"


def _title(header: str) -> str:
    line = TITLE.search(header)
    if not line:
        return ""
    quoted = QUOTED.match(line[1])
    if quoted:
        return _unescaped(quoted[0]) if quoted[1] is not None else quoted[2].replace("''", "'")
    title = COMMENT.sub("", line[1]).strip()
    return "" if title.lower() in EMPTY else title


def _unescaped(quoted: str) -> str:
    """A text in double quotes; YAML has the escapes of TOML too."""
    try:
        text = str(yaml.safe_load(quoted))
    except yaml.YAMLError:
        text = re.sub(r"\\(.)", r"\1", quoted[1:-1])
    return " ".join(text.split())


def _escaped(mark: re.Match[str]) -> str:
    return f"\\{mark[1]}"
