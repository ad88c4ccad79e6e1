"""Pages of MDX and Vue: what is a module, an expression or a component, and what is prose."""

import pytest

from rl_assets.documentation.markdown import to_html
from rl_assets.documentation.references import Reference, references


def read(text: str, suffix: str = ".mdx") -> list[Reference]:
    return references(to_html(text, suffix))


def sources(text: str, suffix: str = ".mdx") -> list[str]:
    return [found.src for found in read(text, suffix)]


def test_prose_that_begins_a_line_with_export_or_import_is_prose():
    (found,) = read(
        "You can\nexport the report from the dialog ![a](/e.png) and then\nimport it ('again') there.\n\n"
        "export your data = easy.\n\nimport data, then read it.\n"
    )
    assert (found.src, found.text_before) == ("/e.png", "You can export the report from the dialog")
    assert found.after == ["and then import it ('again') there.", "export your data = easy."]


def test_modules_are_no_text():
    text = (
        "import A from '@theme/A';\nimport B, { c } from './b';\n"
        "import {\n  d,\n  e,\n} from './d';\nimport './e.css';\n"
        "\nexport const meta = { title: 'T' };\nexport default function F() {\n  return 1;\n}\n\nWords ![a](a.png).\n"
    )
    (found,) = read(text)
    assert (found.before, found.after, found.line) == (["Words"], [], 14)


def test_components_in_code_stay_as_written():
    (found,) = read('Use the `<Tabs>` and `<Image src="x.png" />` components.\n\n![a](a.png)\n')
    assert (found.src, found.text_before) == ("a.png", 'Use the <Tabs> and <Image src="x.png" /> components.')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<Card icon={<img src="/icon.png"/>}>\n\nWords.\n\n</Card>', ["/icon.png"]),
        ("import i from './i.png'\n\n<Card icon={<img src={i} />}>Words</Card>", ["./i.png"]),
        ("import Logo from './l.svg'\n\n<Logo className=\"big\" />", ["./l.svg"]),
        ("import Logo from './l'\n\n<Logo />", []),
        ("<div style={{backgroundImage: 'url(/u.png)'}}>Words</div>", ["/u.png"]),
        ("<div style={{width: 10, backgroundImage: `url(${x})`}}>Words</div>", ["${x}"]),
        ('<Screenshot light="./l.png" dark="./d.png" />', ["./l.png", "./d.png"]),
        ("{/*\n![no](no.png)\n\n```\n![no](no.png)\n```\n*/}\n\n![a](a.png)", ["a.png"]),
        ("```md\n{/*\n```\n\n![a](a.png)\n\n```md\n*/}\n```", ["a.png"]),
        ("- Item\n\n    ```md\n    {/*\n    ```\n\n    ![a](a.png)\n\n    ```md\n    */}\n    ```", ["a.png"]),
    ],
)
def test_images_in_expressions_and_components_are_shown(text, expected):
    assert sources(text) == expected


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ('Words.\n\n<img src="/b.png" />;\n', ["Words."]),
        ('Words.\n\n{cond && <img src="/b.png" />}\n', ["Words."]),
        ("Words.\n\n{[1, 2].map(x => (\n  <img src={x} />\n))}\n", ["Words."]),
        ("Words.\n\nexport const F = () => (\n  <div>\n\n  Inside.\n\n  </div>\n);\n", ["Words.", "Inside."]),
        ('Hello {props.name}, {"dear"} reader of {a.b({c: 1})}.\n', ["Hello , dear reader of ."]),
        ("Call `/users/{id}` with \\{x} and $\\frac{a}{b}$.\n", [r"Call /users/{id} with {x} and $\frac{a}{b}$."]),
    ],
)
def test_expressions_are_no_text(text, before):
    *_, found = read(f"{text}\n![a](a.png)\n")
    assert (found.src, found.before) == ("a.png", before)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<script setup>\nimport x from './i.png'\n</script>\n\n<img :src=\"x\">", ["./i.png"]),
        ("<img :src=\"$withBase('/b.png')\" alt=b>", ["/b.png"]),
        ("import x from './i.png'\n\nWrite `<img :src=\"x\">` or\n\n<img v-bind:src='x'>", ["./i.png"]),
        ('<img :src="y">', ["{y}"]),
    ],
)
def test_a_bound_source_of_vue_is_the_file_that_it_names(text, expected):
    assert sources(text, ".md") == expected


@pytest.mark.parametrize("text", ["{<" * 10_000, "{a" * 20_000, "{<A>" * 5000, "{/* a\n" * 5000, "<A b={<c>}" * 3000])
def test_expressions_without_an_end_are_read_in_linear_time(text):
    assert sources(f"{text}\n\n![a](a.png)\n")[-1:] == ["a.png"]
