"""Only files of the source's own folder are ever opened."""

import pytest

from rl_assets.documentation.paths import resolve_image
from rl_assets_tests.support.documentation_sites import site


@pytest.fixture
def root(tmp_path):
    (tmp_path / "secret.png").write_bytes(b"secret")
    names = ["docs/guide/a.md", "docs/guide/own.png", "docs/img/x y.png", "public/img/p.png", "docs/guide/a/in.png"]
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
