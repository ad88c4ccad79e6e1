"""Template tags of Hugo, Jekyll and GitBook show the images that they name, wherever they stand, and are no text."""

import pytest

from rl_assets.documentation.decoding import Decoder
from rl_assets.documentation.extraction import extract
from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.markdown import to_html
from rl_assets.documentation.references import Reference, parse_page, references
from rl_assets.documentation.sources import open_source
from rl_assets_tests.support.documentation_sites import picture, site


def read(text: str) -> list[Reference]:
    return references(to_html(text))


def sources(text: str) -> list[str]:
    return [found.src for found in read(text)]


@pytest.mark.parametrize(
    "text",
    [
        '{{< figure src="a.png" >}}',
        '- {{< figure src="a.png" >}}',
        '1. Step one:\n   {{< figure src="a.png" >}}',
        'Click {{< img src="a.png" >}} now.',
        '> {{< figure src="a.png" >}}',
        '| a | b |\n|---|---|\n| {{< figure src="a.png" >}} | x |',
        '<div align="center">\n{{< figure src="a.png" >}}\n</div>',
        '<table><tr><td>{% include image.html url="a.png" %}</td></tr></table>',
        '{{< figure\n  src="a.png"\n>}}',
        '<p>\n{{< figure\n  src="a.png"\n>}}\n</p>',
        "{% responsive_image path: a.png %}",
        '{{< figure alt="The file logo.png" src="a.png" >}}',
        '{{% figure src="a.png" title="Logo.png" %}}',
    ],
)
def test_a_tag_shows_its_image_wherever_it_stands(text):
    found = read(f"Before.\n\n{text}\n\nAfter.\n")
    assert [image.src for image in found] == ["a.png"]
    assert "{" not in found[0].context and "After." in found[0].context


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{< compare before="a.png" after="b.png" >}}', ["a.png", "b.png"]),
        ('{% include gallery images="a.png, b.png" %}', ["a.png", "b.png"]),
        ('{{< figure link="/big.png" src="small.png" >}}', ["small.png", "/big.png"]),
        ('{{< figure src="https://example.com/image?id=3" >}}', ["https://example.com/image?id=3"]),
        ('{{< figure src="a.png" >}} {{< figure src="b.png" >}}', ["a.png", "b.png"]),
        ('{{< video src="film.mp4" title="a.png" >}}', []),
        ('{{</* figure src="a.png" */>}}', []),
        ('{% assign logo = "a.png" %}', []),
        ("`{{< figure src=a.png >}}`", []),
        ("```\n{{< figure src=a.png >}}\n```", []),
        ("<pre><code>{{< figure src=a.png >}}</code></pre>", []),
        ("[big]({% link a.png %})", []),
    ],
)
def test_a_tag_shows_every_image_it_names_and_no_other(text, expected):
    assert sources(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        '{{< figure src="a.png" alt="A" title="T" caption="See **this** [link](x) `code`" >}}',
        'Here {{< figure src="a.png" alt="A" title="T" caption="See **this** [link](x) `code`" >}} it is.',
        '<div>\n{{< figure src="a.png" alt="A" title="T" caption="See **this** [link](x) `code`" >}}\n</div>',
    ],
)
def test_the_names_of_an_image_are_those_of_the_tag_without_markup(text):
    (found,) = read(text)
    assert (found.alt, found.title, found.caption) == ("A", "T", "See this link code")


def test_an_image_is_on_the_line_of_its_tag_and_those_after_it_keep_theirs():
    text = (
        'A {{< figure\n src="a.png" >}} and\n![b](b.png)\n\n<p>\n{{< figure\n src="c.png" >}}\n<img src=d.png>\n</p>\n'
    )
    assert [(found.src, found.line) for found in read(text)] == [
        *(("a.png", 1), ("b.png", 3), ("c.png", 6), ("d.png", 8))
    ]


def test_tags_are_no_text():
    (found,) = read(
        '{{% alert title="Warn" %}}Mind this.{{% /alert %}}\n\n{% if x %}![a](a.png){% endif %}\n\n'
        'See [the guide]({% link guide.md %}) and [more]({{< ref "more.md" >}}).\n'
    )
    assert (found.src, found.before, found.after) == ("a.png", ["Mind this."], ["See the guide and more."])


def test_a_template_with_quotes_of_its_own_is_the_file_that_it_names(tmp_path):
    text = (
        '<img src="{{ "/assets/a.png" | relative_url }}" alt="A">\n\n'
        '<p>\n<a href="{{ "/x" | absolute_url }}"><img alt="B" src="{{ "/assets/b.png" | relative_url }}"/></a>\n</p>\n'
    )
    files = {"index.md": text, "assets/a.png": picture(), "assets/b.png": picture(seed=1)}
    with Decoder() as decoder:
        found = extract(open_source(tmp_path, site(tmp_path / "docs", files).name, Limits()), {}, decoder)
    assert [(pair["path"], pair["alt"]) for pair in found.pairs] == [("assets/a.png", "A"), ("assets/b.png", "B")]
    assert found.excluded == [] and "relative_url" not in str(found.pairs[0]["context"])


@pytest.mark.parametrize(
    "text",
    [
        "{% comment %}\n\n![no](no.png)\n\n{% endcomment %}",
        "Words {% comment %} ![no](no.png) {% endcomment %} and more.",
        "{{% comment %}}\n![no](no.png)\n{{% /comment %}}",
        "{% highlight html linenos %}\n<img src=no.png>\n\n![no](no.png)\n{% endhighlight %}",
        '{{< highlight md "hl_lines=1" >}}\n![no](no.png)\n{{< / highlight >}}',
        "%%\n![no](no.png)\n\nwords\n%%",
        "% ![no](no.png)",
        "% TODO\n% ![no](no.png)",
    ],
)
def test_an_image_in_a_comment_or_in_code_of_a_tag_is_none(text):
    assert sources(f"Text.\n\n{text}\n\n![a](a.png)\n") == ["a.png"]


def test_per_cent_signs_in_text_are_no_comments():
    text = "# A\n\nOf all users 50\n% saw it, and 30 %% of\n\n%% the others ![a](a.png).\n"
    assert [found.before for found in read(text)] == [["Of all users 50 % saw it, and 30 %% of", "%% the others"]]


def test_a_page_of_tags_is_a_section_of_its_words():
    (section,) = parse_page(to_html("# A\n\n{% hint %}\nSome {% x %}words.\n{% endhint %}\n"))[1]
    assert section.text == "Some words."


@pytest.mark.parametrize("text", ["{% " * 20_000, "{{< a " * 20_000, '<a b="{{' * 5000, "{% comment %}\n" * 3000])
def test_tags_without_an_end_are_read_in_linear_time(text):
    assert sources(f"{text}\n\n![a](x.png)\n") == ["x.png"]
