"""Template tags of Hugo, Jekyll and others: `{{< figure src="x.png" >}}`, `{% include image.html url="x.png" %}`.

Tags are not run. One shows the images that its arguments name, and otherwise nothing; a comment or code ends with its
end tag.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rl_assets.documentation.image_markup import IMAGE_FILE, IMAGE_PATH, image_tag

MAX_CHARACTERS = 4000  # Of a tag, and of a comment.
ENDS = {"{{<": ">}}", "{{%": "%}}", "{%": "%}"}
START = re.compile(r"\{\{[<%]|\{%")
CONTENT = re.compile(r"[-\s]*(/?[\w./-]*)(.*)", re.DOTALL)
# Tags whose content is not shown, or is code.
HIDING = ("comment", "highlight", "mermaid")
HIDDEN_START = re.compile(
    rf"\{{(?:\{{[<%]|%)[-\s]*(?:{'|'.join(HIDING)})\b(?:(?![>%]\}}).){{0,500}}(?:[>%]\}}\}}|%\}})"
)
HIDDEN_END = re.compile(rf"\{{(?:\{{[<%]|%)[-\s]*(?:end|/\s*)(?:{'|'.join(HIDING)})\s*-?(?:[>%]\}}\}}|%\}})")
ARGUMENT = re.compile(
    r"(?:([\w-]{1,100})\s*(?:=|:(?=[\s\"'`]))\s*)?(?:\"([^\"]*)\"|'([^']*)'|`([^`]*)`|([^\s\"'`=]+))",
)
# Statements, and tags that stand for an address.
NO_IMAGE = {
    *("assign", "set", "if", "elsif", "elif", "unless", "for", "case", "when", "capture", "with", "import", "extends"),
    *("link", "post_url", "ref", "relref", "url", "static", *HIDING),
}
SHOWS_IMAGE = re.compile(r"fig|img|image|picture|photo|screenshot", re.IGNORECASE)
# Arguments that are text, or where a click leads; all others may name images.
TEXTS = {
    *("alt", "title", "caption", "description", "text", "attr", "attrlink", "label", "name", "class", "id", "summary"),
    *("link", "href", "target"),
}
# HTML whose quoted value holds a template with quotes of its own, as Jekyll's pages have it.
VALUE = r"\"(?:[^\"{}<>\n]|\{\{[^{}\n]{0,500}\}\}|\{%[^{}%\n]{0,500}%\}){0,1000}?\"(?=[\s/>])"
TAG_WITH_TEMPLATE = re.compile(
    rf"<[A-Za-z][\w.:-]{{0,50}}(?:\s+[^\s\"'=<>`/{{}}]{{1,100}}(?:\s*=\s*(?:{VALUE}|'[^'<>\n]*'|[^\s\"'=<>`]+))?){{1,50}}"
    r"\s*/?>"
)
QUOTED_VALUE = re.compile(VALUE)


@dataclass(frozen=True)
class Tag:
    """A template tag of a text, up to `end`."""

    end: int
    name: str
    arguments: str

    def html(self) -> str:
        """The images that the tag shows, as HTML with captions in markdown."""
        values = [((match[1] or "").lower(), _value(match)) for match in ARGUMENT.finditer(self.arguments)]
        named = dict(values)
        caption = named.get("caption") or named.get("description", "")
        link = named.get("link") or named.get("href", "")
        return "".join(
            image_tag(source, named.get("alt", ""), named.get("title", ""), caption, link)
            for source in dict.fromkeys(self._sources(values))
        )

    def _sources(self, values: list[tuple[str, str]]) -> Iterator[str]:
        if self.name.lower() in NO_IMAGE:
            return
        included = next((value for name, value in values[:1] if not name), "")
        shows = SHOWS_IMAGE.search(f"{self.name} {included}")
        for name, value in sorted(values, key=lambda argument: argument[0] != "src"):
            files = [part.strip() for part in value.split(",")]
            form = IMAGE_PATH if name in ("", "src") else IMAGE_FILE
            if name in TEXTS:
                continue
            if all(form.fullmatch(file) for file in files):
                yield from files
            elif form.fullmatch(value) or (name == "src" and shows and value):
                yield value


def tag_at(text: str, start: int = 0) -> Tag | None:
    """The template tag that starts at a position of the text, if any; a comment or code with all that it holds."""
    opening = START.match(text, start)
    if not opening:
        return None
    closing = ENDS[opening[0]]
    end = text.find(closing, opening.end(), start + MAX_CHARACTERS)
    content = CONTENT.fullmatch(text[opening.end() : end]) if end >= 0 else None
    if not content:
        return None
    end += len(closing)
    if content[1] in HIDING and (last := HIDDEN_END.search(text, end, end + MAX_CHARACTERS)):
        end = last.end()
    escaped = content[0].lstrip().startswith("/*")  # Hugo shows such a tag as text.
    return Tag(end, content[1], "" if escaped else content[2])


def _value(match: re.Match[str]) -> str:
    return " ".join(next((group for group in match.groups()[1:] if group is not None), "").split())


def with_quoted_templates(html: str) -> str:
    """HTML in whose attributes templates have no double quotes: `src="{{ "x.png" | relative_url }}"`."""
    if "{{" not in html and "{%" not in html:
        return html
    return TAG_WITH_TEMPLATE.sub(lambda tag: QUOTED_VALUE.sub(_with_entities, tag[0]), html)


def _with_entities(value: re.Match[str]) -> str:
    return '"' + value[0][1:-1].replace('"', "&quot;") + '"'
