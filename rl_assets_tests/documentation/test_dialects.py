"""Documentation sites as they are written: 73 forms of an image, and one page in 30 dialects."""

import json
import shutil
from collections import defaultdict
from pathlib import Path, PurePosixPath

import pytest

from rl_assets.documentation.decoding import Decoder
from rl_assets.documentation.extraction import Extraction, extract
from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.markdown import to_html
from rl_assets.documentation.references import Reference, parse_page, references
from rl_assets.documentation.sources import open_source
from rl_assets_tests.support.documentation_sites import picture, site

DATA = Path(__file__).parents[1] / "data"
# Code, a comment, a text link after an escaped "!", and a reference that its page does not define show no image.
NOT_SHOWN = {"fence-html", "inline-code", "comment", "escaped-bang", "ref-other-file"}


def read(text: str, suffix: str = ".md") -> list[Reference]:
    return references(to_html(text, suffix))


def extracted(root: Path) -> Extraction:
    with Decoder() as decoder:
        return extract(open_source(root.parent, root.name, Limits()), {}, decoder)


def documentation(folder: Path, name: str) -> tuple[Path, dict[str, list[str]]]:
    """The pages of a folder of test data with a picture for every file that `expected.json` names."""
    root = folder / name
    shutil.copytree(DATA / "markdown-sites" / name, root)
    expected = json.loads((root / "expected.json").read_text(encoding="utf-8"))
    files = sorted({path for paths in expected.values() for path in paths if path != "img/never.png"})
    site(root, {path: picture(seed=seed) for seed, path in enumerate(files)})
    return root, expected


@pytest.fixture(scope="module")
def forms(tmp_path_factory):
    root, expected = documentation(tmp_path_factory.mktemp("docs"), "forms")
    return extracted(root), expected


@pytest.fixture(scope="module")
def dialects(tmp_path_factory):
    root, expected = documentation(tmp_path_factory.mktemp("docs"), "dialects")
    return {PurePosixPath(pair["page"]).stem: pair for pair in extracted(root).pairs}, expected


def test_all_forms_of_an_image_are_pairs_with_the_files_that_they_name(forms):
    extraction, expected = forms
    paths = defaultdict(list)
    for pair in extraction.pairs:
        paths[PurePosixPath(pair["page"]).stem].append(pair["path"])
    wanted = {page: [] if page in NOT_SHOWN else sorted(files) for page, files in expected.items()}
    assert len(wanted) == 73
    assert {page: sorted(paths[page]) for page in wanted} == wanted


def test_a_form_that_leads_to_no_file_is_excluded_under_its_own_name(forms):
    reasons = {PurePosixPath(row["page"]).stem: (row["src"], row["reason"]) for row in forms[0].excluded}
    assert reasons == {
        "data-uri": ("data:image/png;base64,iVBORw0KGgo=", "data_uri"),
        "remote": ("https://example.org/x.png", "remote"),
        "file-uri": ("file:///C:/Users/me/x.png", "remote"),
        "drive": ("C:%5CUsers%5Cme%5Cx.png", "remote"),
        "ref-other-file": ("[defined-in-snippet]", "undefined_reference"),
    }


def test_a_dialect_does_not_change_how_confidently_an_image_belongs_to_its_text(dialects):
    pairs, expected = dialects
    plain = pairs["plain"]["confidence"]
    assert set(pairs) == set(expected) and len(pairs) == 30
    # The step that shows the image ends in "Open the dialog:", which is its text before.
    others = {page: pair["confidence"] for page, pair in pairs.items() if page != "steps"}
    assert others == pytest.approx(dict.fromkeys(others, plain), abs=0.01)
    assert all(pair["kept"] for pair in pairs.values())


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("<img src={require('./a b.png').default} />", ["./a b.png"]),
        ('import a from "./a.png";\n\n<img alt="x" src={a} />', ["./a.png"]),
        ("export const a = require('./a.png');\n\n<img src={a} />", ["./a.png"]),
        ("<img\n  {...props}\n  src={useBaseUrl('img/a.png')}\n/>", ["/img/a.png"]),
        ("<Image img={require('./a.png')} />", ["./a.png"]),
        ("<ThemedImage sources={{light: '/l.png', dark: useBaseUrl('/d.png')}} />", ["/l.png", "/d.png"]),
        ("<img src={props.image} />", ["{props.image}"]),
        ("<img src={cond ? a : b} />", ["{cond ? a : b}"]),
        ("Write `<img src={x} />`.", []),
    ],
)
@pytest.mark.parametrize("suffix", [".md", ".mdx"])
def test_an_expression_is_the_file_that_it_names_or_stays_as_written(text, sources, suffix):
    assert [found.src for found in read(text, suffix)] == sources


@pytest.mark.parametrize(
    ("text", "src", "alt"),
    [
        ("![a](my file.png =100x)", "my file.png", "a"),
        ('![a](my file.png "Title")', "my file.png", "a"),
        ("![a]({{ page.image }})", "{{ page.image }}", "a"),
        ("![a]({{page.image}})", "{{page.image}}", "a"),
        ("![[Pasted image 1.png|A name|300]]", "Pasted image 1.png", "A name"),
        ("![a|300](x.png)", "x.png", "a"),
        ("%% ![[no.png]] %% ![[x.png|a]] at 50%% of ![", "x.png", "a"),
        ("![a][nowhere]", "[nowhere]", "a"),
        ('[d]: x.png {width="3"}\n\n![a][d]', "x.png", "a"),
        ('{{< figure\n  src="x.png"\n  alt="a" >}}', "x.png", "a"),
        ("{% img /x.png 300 %}", "/x.png", ""),
        ("```{image} x.png\n:alt: a\n```", "x.png", "a"),
        ("```{figure} x.png\n---\nalt: a\n---\n```", "x.png", "a"),
        (":::{note} Title\n![a](x.png)\n:::", "x.png", "a"),
        ("````{tip}\n```\n![code](no.png)\n```\n![a](x.png)\n````", "x.png", "a"),
        (".. image:: x.png\n   :alt: a\n", "x.png", "a"),
        ("[^1]: ![a](x.png)", "x.png", "a"),
        ("[^1]: Words.\n\n    ![a](x.png)", "x.png", "a"),
        ("<figure markdown>\n![a](x.png)\n</figure>", "x.png", "a"),
        ("<div><code>![no](no.png)</code> <!-- ![no](no.png) -->\n![a](x.png)</div>", "x.png", "a"),
        ("<img :src=\"withBase('x.png')\" alt=a>", "/x.png", "a"),
        ('<a href="./x.png"><img src="x.png" alt="a"></a>', "x.png", "a"),
        ("<picture><source srcset='x.png 2x'><img src='x.png' alt=a></picture>", "x.png", "a"),
    ],
)
def test_the_forms_of_documentation_tools_name_their_image(text, src, alt):
    assert [(found.src, found.alt) for found in read(text)] == [(src, alt)]


@pytest.mark.parametrize(
    "text", ["![[A note]]", "![a](some words)", "![a] [b]", "```{code-block} md\n![a](x.png)\n```"]
)
def test_embedded_notes_prose_and_code_are_no_images(text):
    assert read(text) == []


@pytest.mark.parametrize(
    "text",
    [
        '!!! note "T"\n\n\tText\n\n\t![a](x.png)',
        '=== "Tab"\n\n\t??? tip\n\n\t\t![a](x.png)',
        "[^1]: Words.\n\n\t![a](x.png)",
        "1. Item\n\n\t![a](x.png)",
        " \t- Item" + "\n\n- Item\n\t![a](x.png)",
    ],
)
def test_a_tab_indents_as_four_spaces_do(text):
    assert [found.src for found in read(text)] == ["x.png"]


@pytest.mark.parametrize(
    "item",
    [
        "1. Add this:\n\n    ```markdown\n    !!! note\n\n        ![no](no.png)\n    ```",
        "* Add this:\n    - Or this:\n\n        ```md\n        {{< figure src=no.png >}}\n        ```",
        "10. Add this:\n\n    ~~~\n    :::{note}\n    ![no](no.png)\n    :::\n    ~~~",
        "- ```\n  !!! note\n\n      ![no](no.png)\n  ```",
        "\t- Add:\n\n1. Add:\n\n\t```\n\t!!! note\n\n\t\t![no](no.png)\n\t```",
    ],
)
def test_fences_in_items_of_lists_are_code(item):
    (found,) = read(f"# A\n\n{item}\n\n!!! note\n\n    ![a](x.png)\n")
    assert found.src == "x.png"


def test_a_fence_ends_with_the_item_that_holds_it():
    assert [found.src for found in read('- Item\n\n  ```\n  code\n\n{{< figure src="x.png" >}}\n')] == ["x.png"]


def test_a_caption_block_is_the_caption_of_the_image_before_it():
    (found,) = read("![a](x.png)\n\n/// caption\nHow it\nlooks\n///\n\nText after.\n")
    assert (found.caption, found.text_after, found.line) == ("How it looks", "Text after.", 1)


def test_markers_and_titles_of_boxes_are_not_the_text_before_an_image():
    for box in (
        ":::tip[My title]",
        "::: tip My title",
        '!!! tip "My title"',
        "/// tip | My title",
        "> [!tip]- My title",
    ):
        indent = {"!": "    ", ">": "> "}.get(box[0], "")
        (found,) = read(f"Some text.\n\n{box}\n{indent}\n{indent}![a](x.png)\n\nText after.\n")
        assert (found.text_before, found.label, found.line) == ("Some text.", "My title", 5), box
        assert found.context == "Some text. My title Text after."


@pytest.mark.parametrize(
    ("header", "headings"),
    [
        ("---\ntitle: Log *in*\n---", ("Log *in*",)),
        ('---\nid: a\ntitle: "Log in: a \\"guide\\""  # draft\n---', ('Log in: a "guide"',)),
        ("---\ntitle: 'It''s here'\n---", ("It's here",)),
        ("---\ntitle: >-\n  A long title\n---", ("A long title",)),
        ('+++\ntitle = "A title"\n+++', ("A title",)),
        ('---\ntitle: "Caf\\u00e9 \\xE9t\\xE9 \\U0001F600"\n---', ("Café été 😀",)),
        ('---\ntitle: "C:\\path"\n---', ("C:path",)),
        ("---\ntitle: # none\n---", ()),
        ("---\nnav:\n  title: Other\n---", ()),
    ],
)
def test_a_title_in_front_matter_is_the_first_heading(header, headings):
    (found,) = read(f"{header}\n\n![a](x.png)\n")
    assert (found.headings, found.line) == (headings, header.count("\n") + 3)
    (below,) = read(f"{header}\n\n## Part\n\n![a](x.png)\n")
    assert below.headings == (*headings, "Part")
    (own,) = read(f"{header}\n\n# Own heading\n\n![a](x.png)\n")
    assert own.headings == ("Own heading",)


def test_titles_of_boxes_are_text_of_sections_without_images():
    (section,) = parse_page(to_html("# A\n\n:::tip[My title]\nSome words.\n:::\n"))[1]
    assert section.text == "My title Some words."


def test_a_picture_under_its_heading_is_kept_for_the_paragraph_that_describes_it(tmp_path):
    text = (
        "# Login page\n\n![Login](x.png)\n\nThe page above asks for your name and your password. Enter both, then "
        "press the blue button to continue to your board.\n"
    )
    (pair,) = extracted(site(tmp_path / "docs", {"p.md": text, "x.png": picture()})).pairs
    assert pair["kept"]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "<A a={" * 5000,
            "<a b='" * 5000,
            "<A {" * 5000,
            "{{< a\n" * 5000,
            "> " * 10_000,
            ":::" * 5000,
            "![a](" * 5000,
        ),
        *(
            "```{figure} x\n\n" * 3000,
            "/// caption\n" * 3000,
            "![[" * 5000,
            "`" * 20_001,
            "![a][" * 3000,
            "%% ![" * 3000,
            "[^1]:\n" * 3000,
        ),
        "<div>" + "<code>" * 5000 + "![a](" * 5000 + "</div>",
    ],
)
@pytest.mark.parametrize("suffix", [".md", ".mdx"])
def test_odd_pages_are_read_in_linear_time(text, suffix):
    read(text, suffix)
