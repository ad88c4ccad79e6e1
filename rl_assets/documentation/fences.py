"""Which lines of markdown are fenced code, told line by line, also in the items of lists."""

import re

FENCE = re.compile(r"(`{3,}|~{3,})([^\n]*)")
ITEM = re.compile(r"([-*+]|\d{1,9}[.)])( {1,4})(?=\S)")
MAX_INDENT = 3  # Deeper lines are indented code, which no fence opens or ends.


class Fences:
    """Tracks, line by line, whether a code fence is open; lines are given from the left edge of the box around them.

    `any_indent` reads MDX, which has no indented code.
    """

    def __init__(self, any_indent: bool = False) -> None:
        self.any_indent = any_indent
        self.mark = ""
        # Where the content of the open items starts, and the one that holds the open fence.
        self.items: list[int] = []
        self.edge = 0

    def contains(self, line: str) -> bool:
        """True for the lines of a fence, including its first and last."""
        content = line.lstrip(" ")
        indent = len(line) - len(content)
        if self.mark and content.strip() and indent < self.edge:
            self.mark = ""  # A fence ends with the item that holds it.
        if self.mark:
            return self._goes_on(content, indent)
        return self._starts(content, indent)

    def _goes_on(self, content: str, indent: int) -> bool:
        match = FENCE.match(content)
        if match and match[1].startswith(self.mark) and not match[2].strip() and self._reaches(indent):
            self.mark = ""
        return True

    def _starts(self, content: str, indent: int) -> bool:
        if not content.strip():
            return False
        while self.items and indent < self.items[-1]:
            self.items.pop()
        self.edge = self.items[-1] if self.items else 0
        while self._reaches(indent) and (item := ITEM.match(content)):
            self.edge = indent = indent + item.end()
            self.items.append(indent)
            content = content[item.end() :]
        match = FENCE.match(content) if self._reaches(indent) else None
        if not match or (match[1][0] == "`" and "`" in match[2]):
            return False
        self.mark = match[1]
        return True

    def _reaches(self, indent: int) -> bool:
        return self.any_indent or indent - self.edge <= MAX_INDENT
