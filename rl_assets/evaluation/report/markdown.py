"""A list of sections as Markdown: for the UI of Dagster, terminals and repositories."""

from collections.abc import Sequence

from rl_assets.evaluation.report.escaping import markdown_block, markdown_text
from rl_assets.evaluation.report.sections import (
    Block,
    Bullets,
    Definitions,
    Example,
    Examples,
    Figure,
    Paragraph,
    Section,
    Table,
    VerdictBox,
    cell_text,
)


def to_markdown(sections: Sequence[Section]) -> str:
    """The page; sections without any block are omitted, and of figures only those with an inline version are shown."""
    parts = [f"# {markdown_text(sections[0].title)}", *map(_block, sections[0].blocks)]
    for section in sections[1:]:
        if section.blocks:
            parts += [f"## {markdown_text(section.title)}", *map(_block, section.blocks)]
    return "\n\n".join(part for part in parts if part) + "\n"


def markdown_table(table: Table) -> str:
    """The table with every cell escaped: headers and first columns hold names from logs."""
    rows = [[cell_text(cell) for cell in row] for row in table.rows]
    escaped = [[markdown_text(cell) for cell in row] for row in (table.header, *rows)]
    lines = [escaped[0], ["---"] * len(table.header), *escaped[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _block(block: Block) -> str:
    match block:
        case Paragraph(text=text):
            rendered = markdown_text(text)
        case Bullets(items=items):
            rendered = _bullets(items)
        case Table():
            rendered = markdown_table(block)
        case Figure(inline=inline):
            rendered = inline
        case Examples(items=examples):
            rendered = "\n\n".join(_example(number, example) for number, example in enumerate(examples, 1))
        case Definitions(entries=entries):
            rendered = "\n".join(f"- **{markdown_text(term)}**: {markdown_text(meaning)}" for term, meaning in entries)
        case VerdictBox():
            verdict = f"**{markdown_text(block.verdict)}** against the {markdown_text(block.against)}"
            rendered = f"{verdict}\n\n{_bullets([*block.reasons, *block.guardrails])}"
    return rendered


def _bullets(items: Sequence[str]) -> str:
    return "\n".join(f"- {markdown_text(item)}" for item in items)


def _example(number: int, example: Example) -> str:
    texts = [f"{name}:\n\n{markdown_block(text)}" for name, text in example.texts]
    return "\n\n".join([f"### {number}. {markdown_text(example.title)}", *texts])
