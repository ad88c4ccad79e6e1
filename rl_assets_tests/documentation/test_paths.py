"""Only files of the source's own folder are ever opened."""

import pytest

from rl_assets.documentation.paths import FileNames, resolve_image
from rl_assets_tests.support.documentation_sites import site


@pytest.fixture
def root(tmp_path):
    (tmp_path / "secret.png").write_bytes(b"secret")
    names = ["docs/guide/a.md", "docs/guide/own.png", "docs/img/x y.png", "public/img/p.png", "docs/guide/a/in.png"]
    names += ["assets/images/global.png"]
    return site(tmp_path / "site", dict.fromkeys(names, "x"))


def found(root, src):
    place = resolve_image(root, root / "docs" / "guide" / "a.md", src)
    return place.path.relative_to(root.resolve()).as_posix() if place.path else place.reason


@pytest.mark.parametrize(
    ("src", "where"),
    [
        ("own.png", "docs/guide/own.png"),
        ("./own.png?raw=1#only-dark", "docs/guide/own.png"),
        ("../img/x%20y.png", "docs/img/x y.png"),
        ("/img/x%20y.png", "docs/img/x y.png"),
        ("/img/p.png", "public/img/p.png"),
        ("in.png", "docs/guide/a/in.png"),
        ("nested/../own.png", "docs/guide/own.png"),
        ("images/global.png", "assets/images/global.png"),
        ("missing.png", "broken"),
        ("", "no_source"),
        ("#fragment", "broken"),
        ("img", "broken"),
        ("a\0b.png", "broken"),
        ("x" * 5000, "broken"),
        ("x" * 300 + ".png", "broken"),
        ("http://[::1", "broken"),
        ("../../../secret.png", "outside"),
        ("%2e%2e/%2e%2e/%2e%2e/secret.png", "outside"),
        ("..\\..\\..\\secret.png", "outside"),
        ("/../../secret.png", "outside"),
        ("https://example.com/x.png", "remote"),
        ("//example.com/x.png", "remote"),
        ("file:///etc/passwd", "remote"),
        ("C:/x.png", "remote"),
        ("javascript:alert(1)", "remote"),
        ("data:image/png;base64,AAAA", "data_uri"),
        ("{{ page.img }}", "template"),
        ("/img/${name}.png", "template"),
    ],
)
def test_a_reference_leads_to_a_file_or_to_a_reason(root, src, where):
    assert found(root, src) == where


def test_links_may_stay_inside_and_may_not_lead_out(root):
    (root / "docs" / "guide" / "out.png").symlink_to(root.parent / "secret.png")
    (root / "docs" / "guide" / "away").symlink_to(root.parent)
    (root / "docs" / "guide" / "in.png").symlink_to(root / "public" / "img" / "p.png")
    (root / "docs" / "guide" / "loop.png").symlink_to("loop.png")
    assert found(root, "out.png") == "outside"
    assert found(root, "away/secret.png") == "outside"
    assert found(root, "in.png") == "public/img/p.png"
    assert found(root, "loop.png") == "broken"


def opened(root, page, src, wiki=False):
    names = FileNames(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    place = resolve_image(root, root / page, src, names, wiki)
    return place.path.relative_to(root.resolve()).as_posix() if place.path else place.reason


@pytest.mark.parametrize(
    ("files", "src", "where"),
    [
        (["static/img/a.png", "docs/guide/img/a.png"], "/img/a.png", "static/img/a.png"),
        (["public/img/a.png", "img/a.png"], "/img/a.png", "public/img/a.png"),
        (["img/b.png", "docs/guide/img/b.png"], "@site/img/b.png", "img/b.png"),
        (["web/img/b.png", "img/b.png"], "@site/img/b.png", "img/b.png"),
        (["docs/img/b.png", "img/b.png", "docs/docusaurus.config.ts"], "@site/img/b.png", "docs/img/b.png"),
        (["docs/static/c.png"], "@site/static/c.png", "docs/static/c.png"),
        (["docs/guide/[draft] e.png"], "[draft] e.png", "docs/guide/[draft] e.png"),
        (["docs/guide/[draft] e.png"], "[draft]%20e.png", "docs/guide/[draft] e.png"),
        ([], "[draft] e.png", "undefined_reference"),
    ],
)
def test_of_two_files_the_one_at_the_root_of_the_site_is_meant(tmp_path, files, src, where):
    root = site(tmp_path / "site", dict.fromkeys(["docs/guide/a.md", *files], "x"))
    assert opened(root, "docs/guide/a.md", src) == where


@pytest.mark.parametrize(
    ("name", "src"),
    [
        ("Note: g.png", "Note: g.png"),
        ("100%25.png", "100%25.png"),
        ("100%.png", "100%25.png"),
        ("j?.png", "j?.png"),
        ("h.png", "h.png#invert"),
        ("i#1.png", "i#1.png"),
    ],
)
def test_a_wiki_writes_names_as_they_are(tmp_path, name, src):
    root = site(tmp_path / "site", {"notes/a.md": "x", f"files/{name}": "x"})
    assert opened(root, "notes/a.md", src, wiki=True) == f"files/{name}"
    assert opened(root, "notes/a.md", "https://example.com/x.png", wiki=True) == "remote"
