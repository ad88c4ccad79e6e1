"""The pages that people read, and what stands in them: blocks, commands, names in code style, links, tables."""

import importlib.util
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

REPOSITORY = Path(__file__).parents[2]
README = REPOSITORY / "README.md"
DOCS = REPOSITORY / "docs"
CONTRIBUTORS = (REPOSITORY / "CONTRIBUTING.md", DOCS / "contributing.md", DOCS / "architecture.md", DOCS / "style.md")
QUICKSTART = REPOSITORY / "rl_assets" / "quickstart" / "README.md"
PAGES = (README, *(REPOSITORY / f"{name}.md" for name in ("CONTRIBUTING", "SECURITY")), *sorted(DOCS.rglob("*.md")))
FENCE = re.compile(r'^( *)```(\w+)(?: title="([^"]*)")?\n(.*?)^\1```$', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, its title or "", its text without indentation."""

    page: Path
    line: int
    language: str
    title: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(REPOSITORY)}:{self.line}"


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(language: str, pages: tuple[Path, ...] = (*PAGES, QUICKSTART)) -> list[Block]:
    """All fenced blocks of one language."""
    return [block for page in pages for block in _blocks(page) if block.language == language]


def _blocks(page: Path) -> Iterator[Block]:
    text = text_of(page)
    for match in FENCE.finditer(text):
        indent, language, title, body = match.groups()
        plain = "".join(line.removeprefix(indent) for line in body.splitlines(keepends=True))
        yield Block(page, text.count("\n", 0, match.start()) + 1, language, title or "", plain)


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return FENCE.sub("", text_of(page))


def code_spans(page: Path) -> set[str]:
    """What stands between backticks in the prose of a page."""
    return set(re.findall(r"`([^`\n]+)`", prose(page)))


def commands(block: Block) -> Iterator[list[str]]:
    """Words of each command of a shell block. A placeholder, optional or not, is the word PLACEHOLDER."""
    text = re.sub(r"\[?<[a-z ]+>\]?", "PLACEHOLDER", block.text.replace("\\\n", " "))
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        while "&&" in words:
            at = words.index("&&")
            yield words[:at]
            words = words[at + 1 :]
        if words:
            yield words


def anchors(page: Path) -> set[str]:
    """Names of the sections of a page, as GitHub and MkDocs make them."""
    titles = re.findall(r"(?m)^#+ (.*)$", FENCE.sub("", with_snippets(page)))
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}


def with_snippets(page: Path) -> str:
    """The text of a page with the files that MkDocs includes in it."""
    return re.sub(r'--8<-- "([^"]+)"', lambda match: text_of(REPOSITORY / match[1]), text_of(page))


def script(name: str) -> ModuleType:
    """A script of the documentation as a module."""
    spec = importlib.util.spec_from_file_location(name, DOCS / "scripts" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Dataclasses look their module up.
    spec.loader.exec_module(module)
    return module


def table(page: Path, header: str) -> list[list[str]]:
    """The cells of the table whose first column has that header."""
    lines = text_of(page).splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith(f"| {header} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows
