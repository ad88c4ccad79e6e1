"""Inline rules for markdown-it: images that other tools than CommonMark show, each rule a function in one table.

CommonMark leaves these as text: a destination with spaces, an image size or a template (`![a](my file.png)`,
`![a](x.png =100x)`, `![a]({{ site.baseurl }}/x.png)`), a reference that is defined on another page, and the embeds of
wikis (`![[x.png|300]]`, Obsidian).
"""

import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from rl_assets.documentation.image_markup import IMAGE_PATH

FORM = "data-rl-form"
WIKI = "wiki"
WIKI_COMMENT = re.compile(r"%%[^%\n]{0,2000}?!\[[^%\n]{0,2000}?%%")
EMBED = re.compile(r"!\[\[([^\[\]\n]{1,1000})\]\]")
SIZE = re.compile(r"\s*\d+(?:\s*x\s*\d+)?\s*", re.IGNORECASE)
DESTINATION = re.compile(r"\(([^()\n]{0,2000}(?:\([^()\n]{0,500}\)[^()\n]{0,2000}){0,4})\)")
# After the path: a title, and a size as of markdown-it-imsize (`=300x200`, `=100x`, `=50%`).
TITLE_AND_SIZE = re.compile(r"(.*?)(?:\s+(?:\"([^\"]*)\"|'([^']*)'))?(?:\s+=\d{0,5}%?(?:x\d{0,5}%?)?)?\s*")
REFERENCE = re.compile(r"\[([^\[\]\n]{0,999})\]")

Rule = Callable[[StateInline, bool], bool]


def add_rules(parser: MarkdownIt) -> MarkdownIt:
    """The parser with the rules; CommonMark's own rule for images comes before those that it would refuse."""
    parser.inline.ruler.before("image", "wiki_image", wiki_image)
    parser.inline.ruler.before("image", "wiki_comment", wiki_comment)
    parser.inline.ruler.after("image", "undefined_image", undefined_image)
    parser.inline.ruler.after("image", "loose_image", loose_image)
    return parser


def wiki_image(state: StateInline, silent: bool) -> bool:
    """`![[x.png]]`, `![[x.png|300]]`, `![[x.png|a name]]`; embedded notes are no images."""
    match = EMBED.match(state.src, state.pos)
    if not match:
        return False
    target, *rest = match[1].split("|")
    source = target.split("#")[0].strip()
    if not IMAGE_PATH.fullmatch(source):
        return False
    alt = next((text.strip() for text in rest if text.strip() and not SIZE.fullmatch(text)), "")
    return _push(state, silent, match.end(), source, alt, {FORM: WIKI})


def wiki_comment(state: StateInline, silent: bool) -> bool:
    """`%% ![[x.png]] %%`: a comment of Obsidian that holds an image. Other per cent signs are text."""
    match = WIKI_COMMENT.match(state.src, state.pos)
    if not match:
        return False
    state.pos = match.end()
    return True


def loose_image(state: StateInline, silent: bool) -> bool:
    """`![a](path with spaces.png "title" =300x200)`, also with a template in the path."""
    label_end = _label_end(state)
    match = DESTINATION.match(state.src, label_end + 1) if label_end else None
    parts = TITLE_AND_SIZE.fullmatch(match[1].strip()) if match else None
    if not match or not parts or not (IMAGE_PATH.fullmatch(parts[1]) or "{{" in parts[1] or "{%" in parts[1]):
        return False
    title = parts[2] or parts[3] or ""
    return _push(state, silent, match.end(), parts[1], state.src[state.pos + 2 : label_end], {"title": title})


def undefined_image(state: StateInline, silent: bool) -> bool:
    """`![a][name]` without a definition of the name on the page; its source is `[name]`, as written."""
    label_end = _label_end(state)
    match = REFERENCE.match(state.src, label_end + 1) if label_end else None
    if not match:
        return False
    alt = state.src[state.pos + 2 : label_end]
    return _push(state, silent, match.end(), f"[{match[1].strip() or alt}]", alt, {})


def _label_end(state: StateInline) -> int:
    """The position of the bracket that ends the alt text of an image; 0 if there is no image here."""
    if not state.src.startswith("![", state.pos):
        return 0
    return max(0, int(state.md.helpers.parseLinkLabel(state, state.pos + 1, False)))


def _push(state: StateInline, silent: bool, end: int, source: str, alt: str, attributes: dict[str, str]) -> bool:
    if not silent:
        children: list[Token] = []
        state.md.inline.parse(alt, state.md, state.env, children)
        token = state.push("image", "img", 0)
        token.attrs = {"src": source, "alt": ""}
        token.attrs |= {name: value for name, value in attributes.items() if value}
        token.children, token.content = children, alt
    state.pos = end
    return True
