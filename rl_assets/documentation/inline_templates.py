"""Inline rules for markdown-it: template tags in a line of text, a cell or an item, and templates in HTML and links."""

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

from rl_assets.documentation.inline_images import DESTINATION
from rl_assets.documentation.templates import TAG_WITH_TEMPLATE, tag_at, with_quoted_templates

OPENINGS = ("{{", "{%")


def add_template_rules(parser: MarkdownIt) -> MarkdownIt:
    """The parser with the rules, each before the one of CommonMark that would take its part for text."""
    parser.inline.ruler.before("link", "template_tag", template_tag)
    parser.inline.ruler.after("link", "templated_link", templated_link)
    parser.inline.ruler.before("html_inline", "templated_html", templated_html)
    return parser


def template_tag(state: StateInline, silent: bool) -> bool:
    """`{{< figure src="x.png" >}}`, `{% include image.html url="x.png" %}`: its images, or nothing."""
    tag = tag_at(state.src, state.pos)
    if not tag or tag.end > state.posMax:
        return False
    if not silent:
        images = tag.html()
        rendered = state.md.renderInline(images, state.env) if images else ""
        _push_html(state, rendered + "\n" * state.src.count("\n", state.pos, tag.end))
    state.pos = tag.end
    return True


def templated_html(state: StateInline, silent: bool) -> bool:
    """`<img src="{{ "/x.png" | relative_url }}">`: HTML but for the quotes in its template."""
    match = TAG_WITH_TEMPLATE.match(state.src, state.pos)
    if not match or match.end() > state.posMax or not any(opening in match[0] for opening in OPENINGS):
        return False
    if not silent:
        _push_html(state, with_quoted_templates(match[0]))
    state.pos = match.end()
    return True


def templated_link(state: StateInline, silent: bool) -> bool:
    """`[text]({% link x.md %})`, `[text]({{< ref "x" >}})`: a link whose target only the running site knows."""
    if state.src[state.pos] != "[":
        return False
    end = int(state.md.helpers.parseLinkLabel(state, state.pos, True))
    match = DESTINATION.match(state.src, end + 1) if end >= 0 else None
    if not match or not any(opening in match[1] for opening in OPENINGS):
        return False
    if not silent:
        _push_link(state, end, match[1].strip())
    state.pos = match.end()
    return True


def _push_link(state: StateInline, label_end: int, target: str) -> None:
    after, state.posMax, state.pos = state.posMax, label_end, state.pos + 1
    state.push("link_open", "a", 1).attrs = {"href": target}
    state.linkLevel += 1
    state.md.inline.tokenize(state)
    state.linkLevel -= 1
    state.push("link_close", "a", -1)
    state.posMax = after


def _push_html(state: StateInline, html: str) -> None:
    state.push("html_inline", "", 0).content = html
