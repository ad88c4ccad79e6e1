"""Directives of MyST: options are no text, boxes hold markdown, and cards name images of their own."""

import pytest

from rl_assets.documentation.markdown import to_html
from rl_assets.documentation.references import Reference, references


def read(text: str) -> list[Reference]:
    return references(to_html(f"# Page\n\nBefore.\n\n{text}\n\nAfter.\n"))


@pytest.mark.parametrize(
    "text",
    [
        "```{tip} A title\n---\nclass: x\n---\n![a](a.png)\n```",
        ":::{admonition} A title\n:class: tip\n:name: x\n![a](a.png)\n:::",
        ":::{grid-item-card} A title\n:img-top: a.png\n:::",
        "````{grid} 2\n```{card} A title\n:link: x\n:img-bottom: a.png\n```\n````",
        "```{tabbed} A title\n![a](a.png)\n```",
        ":::{any-box} A title\n:class: x\n![a](a.png)\n:::",
        "- Before.\n\n  ```{tip} A title\n  :class: x\n  ![a](a.png)\n  ```",
    ],
)
def test_options_of_a_box_are_neither_text_nor_headings(text):
    (found,) = read(text)
    assert (found.src, found.headings, found.label) == ("a.png", ("Page",), "A title")
    assert (found.text_before, found.after) == ("Before.", ["After."])


@pytest.mark.parametrize(
    "text",
    [
        "```{list-table}\n:header-rows: 1\n\n* - ![a](a.png)\n  - ![b](b.png)\n```",
        "```{subfigure} AB\n:gap: 8px\n![a](a.png)\n![b](b.png)\n```",
        ":::::{grid} 2\n::::{grid-item-card}\n:img-top: a.png\n![b](b.png)\n::::\n:::::",
    ],
)
def test_tables_and_grids_hold_images(text):
    found = read(text)
    assert [(image.src, image.before, image.label) for image in found] == [
        ("a.png", ["Before."], ""),
        ("b.png", ["Before."], ""),
    ]


def test_an_image_of_a_card_is_on_the_line_of_its_option():
    (found,) = read(":::{card}\n:link: x\n:img-top: a.png\n:::")
    assert found.line == 7


@pytest.mark.parametrize(
    ("text", "alt", "caption"),
    [
        (
            "```{figure} a.png\n:alt: A\n:width: 80%\n\nWith **bold** and [a link](u).\n\nMore.\n```",
            "A",
            "With bold and a link. More.",
        ),
        (":::{figure} a.png\n---\nalt: A\n---\nNote: {ref}`this`\n:::", "A", "Note: this"),
        ("```{figure} a.png\nNote: a < b, `it`\n```", "", "Note: a < b, it"),
    ],
)
def test_the_caption_of_a_figure_has_no_markup(text, alt, caption):
    (found,) = read(text)
    assert (found.alt, found.caption, found.text_before, found.after) == (alt, caption, "Before.", ["After."])


def test_a_line_in_a_box_is_no_option():
    text = "```{note}\n---\nSome text.\n\n![a](a.png)\n```"
    (found,) = read(text)
    assert found.text_before == "Some text."


def test_targets_and_values_of_templates_alone_are_no_text():
    (found,) = read("(a-target)=\n\n![a](a.png)\n\n{{ version }}\n\nOf {{ name }}.")
    assert (found.text_before, found.text_after) == ("Before.", "Of {{ name }}.")


def test_code_between_colons_holds_no_images():
    (found,) = read(":::{code-block} md\n:linenos:\n\n![no](no.png)\n:::\n\n:::{.wide}\n![a](a.png)\n:::")
    assert (found.src, found.text_before, found.line) == ("a.png", "Before.", 12)


def test_a_figure_of_restructuredtext_has_the_caption_below_its_options():
    first, second = read(
        ".. figure:: a.png\n   :alt: A\n\n   How it\n   *looks*.\n\n.. image:: b.png\n   :alt: B\n\nWords."
    )
    assert (first.alt, first.caption, second.alt, second.caption) == ("A", "How it looks.", "B", "")
    assert (first.after, second.line) == (["Words.", "After."], 11)
