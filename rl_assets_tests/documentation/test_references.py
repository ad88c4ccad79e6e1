"""Ways to write an image, and what is taken down about each."""

from collections import Counter

import pytest

from rl_assets.documentation.markdown import to_html, walk
from rl_assets.documentation.references import Reference, _PageParser, references


def read(text: str, suffix: str = ".md") -> list[Reference]:
    return references(to_html(text, suffix))


def sources(text: str, suffix: str = ".md") -> list[str]:
    return [found.src for found in read(text, suffix)]


@pytest.mark.parametrize(
    ("text", "src", "alt", "title"),
    [
        ("![a b](x.png)", "x.png", "a b", ""),
        ('![a](x.png "A title")', "x.png", "a", "A title"),
        ("![*a* `b`](<x y.png>)", "x%20y.png", "a b", ""),
        ("![a][r]\n\n[r]: x.png 'T'", "x.png", "a", "T"),
        ("![r]\n\n[R]: x.png", "x.png", "r", ""),
        ('<IMG alt="a" title=T\n  SRC=x.png>', "x.png", "a", "T"),
        ("<p><img src='x.png' alt='a &amp; b'></p>", "x.png", "a & b", ""),
        ('<Image pure src="x.png" alt="a" />', "x.png", "a", ""),
        ('<img src="x.png" alt="The <div> element">', "x.png", "The <div> element", ""),
        ('<p>\n<img alt="a > b"\n title="<Tab/>" src="x.png"></p>', "x.png", "a > b", "<Tab/>"),
        ("<img src='data:image/svg+xml,<svg a=\"b\"></svg>'>", 'data:image/svg+xml,<svg a="b"></svg>', "", ""),
    ],
)
def test_an_image_is_found_however_it_is_written(text, src, alt, title):
    (found,) = read(text)
    assert (found.src, found.alt, found.title) == (src, alt, title)


@pytest.mark.parametrize(
    "text",
    [
        "`![a](x.png)`",
        "```\n![a](x.png)\n```",
        "~~~ md\n<img src=x.png>\n~~~",
        "    ![a](x.png)",
        r"\![a](x.png)",
        "<!-- <img src=x.png> -->",
        "<pre>&lt;img src=x.png></pre>",
        "---\nimage: ![a](x.png)\n---\n",
    ],
)
def test_code_comments_and_front_matter_hold_no_images(text):
    assert sources(text) == []


def test_a_linked_image_says_so():
    linked, plain = read("[![a](x.png)](https://example.com) ![b](y.png)")
    assert linked.linked and not plain.linked


def test_lines_are_those_of_the_file_also_below_front_matter_and_within_tags():
    text = '---\na: 1\n---\n\n![a](1.png)\n![b](2.png)\n\n<div>\n<p>\n<img\n  src="3.png">\n</div>\n\n> - ![d](4.png)\n'
    assert [(found.src, found.line) for found in read(text)] == [
        ("1.png", 5),
        ("2.png", 6),
        ("3.png", 10),
        ("4.png", 14),
    ]


def test_text_around_is_the_nearest_paragraphs_of_the_section_without_markup():
    text = (
        "# Guide\n\nOld section.\n\n## Log *in*\n\nOpen the **page** [here](x).\n\n![a](x.png){ width=300 }\n\n"
        "Then `click` it.\n\n```\ncode\n```\n\nLast words.\n\n## Next\n\nOther.\n"
    )
    (found,) = read(text)
    assert found.headings == ("Guide", "Log in")
    assert (found.text_before, found.text_after) == ("Open the page here.", "Then click it.")
    assert found.context == "Open the page here. Then click it. Last words."


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Call `GET /users/{id}/posts/{post}` in `{.x}`.", "Call GET /users/{id}/posts/{post} in {.x}."),
        (r"With $\frac{a}{b}$ and $x_{i=1}$ for {name} or {}.", r"With $\frac{a}{b}$ and $x_{i=1}$ for {name} or {}."),
        ("See {ref}`the part`, [this](x){ .button target=_blank } and *that*{.x}.", "See the part, this and that ."),
        ("Some words.\n{: .note }", "Some words."),
        ("Some words { data-search-exclude }", "Some words"),
        ("{:toc}\nSome words. {::nomarkdown}<b>Here</b>{:/}", "Some words. Here"),
    ],
)
def test_lists_of_attributes_are_no_text_and_other_braces_are(text, shown):
    (found,) = read(f"{text}\n\n![a](x.png)\n")
    assert found.text_before == shown


@pytest.mark.parametrize("text", ["{" * 20_000, "{ " * 20_000, "{" + " " * 20_000, "{a " * 10_000, "{.a " * 10_000])
def test_braces_without_an_end_are_text(text):
    (found,) = read(f"{text} end\n\n![a](x.png)\n")
    assert found.text_before == " ".join(f"{text} end".split())


def test_text_of_the_same_paragraph_counts():
    first, second = read("See ![a](a.png) and ![b](b.png) there.")
    assert (first.text_before, first.text_after) == ("See", "and")
    assert (second.text_before, second.text_after) == ("and", "there.")


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ("<figure>\n<img src=x.png>\n<figcaption>How it looks</figcaption>\n</figure>", ".md"),
        ('<Image src="x.png" caption="How it looks" />', ".md"),
        ('<Frame caption="How it looks">\n  ![a](x.png)\n</Frame>', ".mdx"),
        ("<figure><img src=x.png><figcaption><p>How it <b>looks</b></p></figcaption></figure>", ".md"),
        ("<figure>\n\n![a](x.png)\n\n<figcaption>\n\nHow it *looks*\n\n</figcaption>\n</figure>", ".mdx"),
    ],
)
def test_a_caption_is_that_of_the_figure_the_component_or_the_frame(text, suffix):
    assert [found.caption for found in read(text, suffix)] == ["How it looks"]


def test_a_caption_of_several_paragraphs_is_not_the_text_before_the_next_image():
    first, second = read(
        "<figure><img src=a.png><figcaption><p>Of a</p><p>Really</p></figcaption></figure>\n\n![b](b.png)\n"
    )
    assert (first.caption, second.caption, second.before) == ("Of a Really", "", [])


def test_a_caption_of_no_image_is_text():
    (found,) = read("<figure><iframe></iframe><figcaption>The film</figcaption></figure>\n\n![a](a.png)\n")
    assert found.text_before == "The film"


@pytest.mark.parametrize(
    ("text", "headings"),
    [
        ("# Project [![CI](i.svg)](x)\n\n## Install ![new](i.png)\n\ntext\n\n![w](w.png)", ("Project", "Install")),
        ("# Project\n\n## ![icon](i.png) Config\n\n![w](w.png)", ("Project", "Config")),
        ("## ![a](a.png) One ![b](b.png) heading\n\n![w](w.png)", ("One heading",)),
        ("<h1 align=center>\n<br>\n<a href=x><img src=i.png></a>\n<br>\nName\n<br>\n</h1>\n\n![w](w.png)", ("Name",)),
        ("<h1><p align=center><img src=i.png></p>Name</h1>\n\n![w](w.png)", ("Name",)),
        ("<h2>Never closed\n\nSome text.\n\n![w](w.png)", ("Never closed",)),
    ],
)
def test_a_heading_that_contains_an_image_is_its_text_without_the_image(text, headings):
    *_, found = read(text)
    assert (found.src, found.headings) == ("w.png", headings)


def test_an_image_in_a_heading_is_under_that_heading():
    (found,) = read("# Guide\n\nText.\n\n## Install ![new](new.png) now\n\nWords.\n")
    assert (found.headings, found.before, found.after) == (("Guide", "Install now"), [], ["Words."])


def test_a_title_with_an_image_is_one_label():
    *_, found = read("<details><summary>More <img src=i.png> here</summary>\n\n![a](a.png)\n</details>\n")
    assert (found.label, found.before) == ("More here", [])


def test_a_picture_that_opens_a_card_belongs_to_the_heading_inside_the_card():
    card = '<Card>\n\n<Image src="{0}.png" />\n\n<h4>{0}</h4>\n\nAbout {0}.\n\n</Card>\n\n'
    first, second = read("# All\n\n" + card.format("Mail") + card.format("Files"))
    assert (first.headings, first.text_before, first.text_after) == (("All", "Mail"), "", "About Mail.")
    assert (second.headings, second.text_before, second.text_after) == (("All", "Files"), "", "About Files.")


def test_indented_blocks_of_mkdocs_hold_text_and_images_and_their_fences_stay_code():
    text = (
        '!!! note "Look"\n\n    Some text.\n\n    ![a](a.png)\n\n'
        "    ``` md\n    !!! tip\n        ![code](no.png)\n    ```\n"
        '\n=== "Tab"\n\n    ??? tip\n\n        ![b](b.png)\n\nOutside.\n\n    ![code](no.png)\n'
    )
    found = read(text)
    assert [(image.src, image.line) for image in found] == [("a.png", 5), ("b.png", 16)]
    assert found[0].text_before == "Some text."


def test_mdx_has_components_expressions_and_comments_and_no_indented_code():
    text = (
        'import X from "./x.png"\n\n<Tabs>\n    <Tab title={"a"}>\n        ![a](a.png)\n    </Tab>\n</Tabs>\n\n'
        '<img src={"/b.png"} style={{ width: 10 }} alt={`B`} />\n\n{/* ![no](no.png) */}\n\n'
        "<Card img=\"/c.webp\" />\n\n```\n<img src='no.png'>\n```\n\n<img src={dynamic} />\n"
    )
    assert sources(text, ".mdx") == ["a.png", "/b.png", "/c.webp", "{dynamic}"]


def test_jinja_in_attributes_survives():
    text = '{% if sponsors %}\n<a href="{{ s.url }}"><img src="{{ s.img }}" alt="{{ s.title }}"></a>\n{% endif %}\n'
    assert sources(text) == ["{{ s.img }}"]


@pytest.mark.parametrize("text", ["{" + "a" * 5000 + "!", "{/*" * 20_000, '<A "' * 5000, "{%" * 20_000, "={" * 20_000])
@pytest.mark.parametrize("suffix", [".md", ".mdx"])
def test_odd_texts_are_read_to_their_end(text, suffix):
    assert sources(f"{text}\n\n![a](x.png)\n", suffix) == ["x.png"]


@pytest.mark.slow  # Several seconds of CPU.
def test_a_page_of_ten_thousand_images_and_one_of_deep_nesting_are_read():
    assert len(read("![a](x.png) word\n\n" * 10_000)) == 10_000
    assert len(read("<b>" * 20_000 + "<img src=x.png>")) == 1


def test_figures_in_figures_cost_time_and_memory_in_proportion_to_their_number():
    depth = 300
    html = "<figure><img src=a.png>" * depth + "<figcaption>inner</figcaption></figure>" + "</figure>" * (depth - 2)
    page = _PageParser(components=False)
    for node, enters in walk(html + "<figcaption>outer</figcaption></figure>"):
        page.enter(node) if enters else page.leave(node)
        assert sum(map(len, page.figures)) <= depth
    assert Counter(reference.caption for reference in page.references) == {"inner": 1, "outer": depth - 1}
