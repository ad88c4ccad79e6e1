"""The text of an HTML node as readers see it: without the attribute lists of Python-Markdown and kramdown, and roles.

`{.class}`, `{#id}`, `{width=300}`, `{: name}` and `{::tag}` are markup; `{name}`, and braces that follow a word, are
text or maths, and code holds no markup.
"""

import re
from typing import Any

# An item cannot run into the next without a space, so each text has a single match and nothing backtracks for long.
ITEM = r"(?:[.#][\w-]+|[\w-]+(?:=(?:\"[^\"]*\"|'[^']*'|[^\s}\"']+))?)"
ATTRIBUTE_LIST = re.compile(
    rf"(?<![\w^}}\\])\{{(?::|(?=[^{{}}]*(?:[.#=]|\bdata-)))\s*(?:{ITEM}(?:\s+{ITEM}){{0,50}})?\s*\}}"
)
KRAMDOWN_TAG = re.compile(r"\{:[:/][^{}]*\}")
ROLE = re.compile(r"\{[\w:.+-]{1,60}\}$")  # MyST: {ref}`a`
CODE = ("code", "kbd", "samp", "tt")


def shown_text(node: Any) -> str:
    """The text of a text node without markup of its own."""
    text = node.text_content or ""
    if "{" not in text or (node.parent is not None and node.parent.tag in CODE):
        return text
    if node.next is not None and node.next.tag == "code":
        text = ROLE.sub("", text)
    return KRAMDOWN_TAG.sub(" ", ATTRIBUTE_LIST.sub(" ", text))
