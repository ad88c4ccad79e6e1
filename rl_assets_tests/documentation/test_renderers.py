"""No image is lost and none is invented: independent renderers show the same images."""

import json
from collections import Counter
from urllib.parse import unquote

import cmarkgfm
import markdown
import pytest
from cmarkgfm.cmark import Options

from rl_assets.documentation.front_matter import without_front_matter
from rl_assets.documentation.markdown import to_html
from rl_assets.documentation.references import references
from rl_assets_tests.support.documentation_sites import SITES, pages, shown

MKDOCS = {
    "extensions": [
        *("admonition", "attr_list", "md_in_html", "tables", "pymdownx.details", "pymdownx.superfences"),
        "pymdownx.tabbed",
    ],
    "extension_configs": {"pymdownx.tabbed": {"alternate_style": True}},
}


def sources(text: str, suffix: str = ".md", dialect: bool = True, components: bool = False) -> Counter[str]:
    return Counter(found.src for found in references(to_html(text, suffix, dialect), components))


def test_every_commonmark_example_gives_the_images_of_its_expected_html(published_data):
    lines = (published_data / "bad-markdown" / "spec_examples.jsonl").read_text(encoding="utf-8").splitlines()
    examples = [json.loads(line) for line in lines]
    differing = [
        example["example"]
        for example in examples
        if sources(example["markdown"], dialect=False) != shown(example["html"])
    ]
    assert differing == []
    assert sum("<img" in example["html"] for example in examples) == 13


@pytest.mark.parametrize("name", SITES)
def test_the_reference_implementation_of_commonmark_shows_the_same_images(published_data, name):
    for page in pages(published_data, name):
        text = page.read_text(encoding="utf-8")
        expected = shown(cmarkgfm.cmark.markdown_to_html(text, Options.CMARK_OPT_UNSAFE))
        assert sources(text, page.suffix, dialect=False) == expected, page


@pytest.mark.slow  # Several seconds of CPU.
@pytest.mark.parametrize("name", ["docs-fastapi", "docs-mkdocs-material"])
def test_the_renderer_of_mkdocs_shows_the_same_images(published_data, name):
    for page in pages(published_data, name):
        text = page.read_text(encoding="utf-8")
        expected = shown(markdown.markdown(without_front_matter(text), **MKDOCS))
        assert decoded(sources(text, page.suffix)) == decoded(expected), page


def decoded(found: Counter[str]) -> list[str]:
    return sorted(unquote(src) for src in found.elements())


@pytest.mark.parametrize("name", SITES)
def test_every_image_of_the_collectors_list_is_found_on_its_line(published_data, name):
    listed = [json.loads(line) for line in (published_data / name / "images.jsonl").open(encoding="utf-8")]
    wanted = [row for row in listed if row["kind"] not in ("in_code", "html-source")]
    found = {
        (page.relative_to(published_data / name / "tree").as_posix(), found.src, found.line)
        for page in pages(published_data, name)
        for found in references(to_html(page.read_text(encoding="utf-8"), page.suffix))
    }
    assert wanted
    assert [row for row in wanted if (row["file"], row["src"], row["line"]) not in found] == []


def test_images_that_mdx_shows_and_commonmark_takes_for_code_are_found(published_data):
    listed = [json.loads(line) for line in (published_data / "docs-prefect" / "images.jsonl").open(encoding="utf-8")]
    indented = {
        (row["file"], row["line"]) for row in listed if row.get("ctx") == "code_block" and row["file"].endswith(".mdx")
    }
    root = published_data / "docs-prefect" / "tree"
    found = {
        (name, reference.line)
        for name in {name for name, _ in indented}
        for reference in references(to_html((root / name).read_text(encoding="utf-8"), ".mdx"))
    }
    assert len(indented) > 20 and indented <= found
