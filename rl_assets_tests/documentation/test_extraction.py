"""A source becomes pairs and exclusions that account for every image its pages show."""

import os
import re
import subprocess
import sys
from collections import Counter

import pytest

from rl_assets.documentation.decoding import Decoder
from rl_assets.documentation.extraction import Extraction, extract, known_images
from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.sources import misnamed_folders, open_source, signature, source_names
from rl_assets_tests.support.documentation_sites import SITES, guide, picture, site


def read(root, known=None) -> Extraction:
    with Decoder() as decoder:
        return extract(open_source(root.parent, root.name, Limits()), known or {}, decoder)


def test_every_image_is_a_pair_or_has_a_reason(tmp_path):
    text = (
        "![a](a.png) ![b](missing.png) ![c](https://example.com/c.png) ![d](data:image/png;base64,AA) "
        "![e]({{e}}) ![f](../f.png) ![g](g.png) ![h](h.svg) ![i]() `![no](a.png)`"
    )
    root = site(
        tmp_path / "docs",
        {"a.md": text, "a.png": picture(), "g.png": b"no picture", "h.svg": "<svg onload='x()'/>"},
    )
    found = read(root)
    assert [pair["path"] for pair in found.pairs] == ["a.png"]
    assert [row["reason"] for row in found.excluded] == [
        *("broken", "remote", "data_uri", "template", "outside", "not_an_image", "active_svg", "no_source")
    ]
    assert found.images == 9


@pytest.mark.parametrize(
    ("name", "images", "reasons"),
    [
        ("docs-fastapi", 139, {"remote": 22, "template": 12, "broken": 6}),
        ("docs-mkdocs-material", 92, {"remote": 56, "broken": 11}),
        ("docs-prefect", 81, {"remote": 8, "broken": 26}),
        ("docs-rich", 492, {"remote": 492}),
        ("docs-streamlit", 173, {"remote": 1, "broken": 7}),
    ],
)
def test_published_documentation_is_accounted_for(published_data, name, images, reasons):
    found = read(published_data / name / "tree")
    counts = {reason: sum(row["reason"] == reason for row in found.excluded) for reason in reasons}
    assert (found.images, counts, len(found.excluded)) == (images, reasons, sum(reasons.values()))
    assert name in SITES and found.rejected_pages == []


def test_equal_bytes_are_one_image_with_places_and_the_best_place_is_kept(tmp_path):
    good = "# Menu\n\nThe menu of the app is opened like this:\n\n![The menu of the app]({0})\n\nIt closes by itself.\n"
    root = site(
        tmp_path / "docs",
        {"a.md": "![x](one.png)", "b.md": good.format("two.png"), "one.png": picture(), "two.png": picture()},
    )
    poor, best = read(root).pairs
    assert poor["sha256"] == best["sha256"] and poor["pair_id"] != best["pair_id"]
    assert (poor["occurrences"], best["occurrences"], poor["kept"], best["kept"]) == (2, 2, False, True)
    assert poor["confidence"] < best["confidence"]


def test_an_image_shown_more_than_five_times_is_decoration(tmp_path):
    def decorations(pages):
        files = {f"{i}.md": "Look at the following picture:\n\n![A fine picture](x.png)\n" for i in range(pages)}
        root = site(tmp_path / f"docs{pages}", {**files, "x.png": picture()})
        return [pair["decoration"] for pair in read(root).pairs]

    assert decorations(5) == [False] * 5
    assert decorations(6) == [True] * 6


def test_images_that_are_known_are_not_decoded_again(tmp_path):
    root = site(tmp_path / "docs", guide())
    first = read(root)
    (root / "img" / "0.png").write_bytes(picture(seed=99))
    (root / "pages" / "00.md").write_text("Only words now.", encoding="utf-8")
    (root / "pages" / "01.md").write_text("![a](../img/0.png)", encoding="utf-8")
    again = read(root, known_images(first.pairs))
    assert (first.decoded, again.decoded) == (12, 1)
    assert read(root).pairs == again.pairs


def test_ids_stay_when_other_pages_and_paragraphs_change(tmp_path):
    root = site(tmp_path / "docs", guide())
    before = {pair["path"]: pair["pair_id"] for pair in read(root).pairs}
    (root / "pages" / "05.md").write_text(
        "Before.\n\n![new](../img/0.png)\n\n" + (root / "pages" / "05.md").read_text(encoding="utf-8"), encoding="utf-8"
    )
    after = {pair["path"]: pair["pair_id"] for pair in read(root).pairs if pair["page"] != "pages/05.md"}
    assert after.items() <= before.items()
    assert before["img/5.png"] in {pair["pair_id"] for pair in read(root).pairs}


@pytest.mark.slow
def test_a_page_of_ten_thousand_images_is_accounted_for(tmp_path):
    kinds = ("a.png", "missing.png", "https://example.com/c.png", "../../secret.png", "data:image/png;base64,AA")
    text = "".join(f"![image {i}]({kinds[i % 5]}) some words\n\n" for i in range(10_000))
    found = read(site(tmp_path / "docs", {"a.md": text, "a.png": picture()}))
    assert (found.images, len(found.pairs), found.decoded) == (10_000, 2_000, 1)
    assert Counter(row["reason"] for row in found.excluded) == dict.fromkeys(
        ("broken", "remote", "outside", "data_uri"), 2_000
    )


OFFLINE = """
import sys
from pathlib import Path

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "urllib.Request"):
        raise SystemExit(f"{event} {arguments}")

sys.addaudithook(refuse)
from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.publish import publish_source
from rl_assets.lake.delta import Lake

home = Path(sys.argv[1])
print(publish_source(Lake(str(home / "lake")), home / "docs", "guide", Limits(), "1GB").excluded)
"""


@pytest.mark.slow
def test_nothing_is_fetched(tmp_path):
    away = "![a](https://example.com/a.png) ![b](//example.com/b.png) <img src='http://127.0.0.1:1/c.png'>\n\n"
    active = (
        "<svg xmlns='http://www.w3.org/2000/svg'><image href='https://example.com/d.png' width='5' height='5'/></svg>"
    )
    site(tmp_path / "docs" / "guide", guide() | {"away.md": away + "![d](d.svg)", "d.svg": active})
    ran = subprocess.run([sys.executable, "-c", OFFLINE, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout.strip()) == (0, "{'remote': 4}"), ran.stderr[-1000:]


def test_pages_that_cannot_be_read_are_named(tmp_path):
    root = site(
        tmp_path / "docs", {"a.md": b"\xff\xfe broken", "b.md": b"x" * 5_000_001, "c.md": b"\xef\xbb\xbf# Fine"}
    )
    found = read(root)
    assert found.rejected_pages == ["a.md: not_utf8", "b.md: too_many_bytes"]
    assert found.pages == 1


def test_links_out_of_the_folder_are_no_pages_and_hidden_folders_are_not_read(tmp_path):
    site(tmp_path, {"secret.md": "![s](s.png)", "s.png": picture()})
    root = site(tmp_path / "docs", {"a.md": "x", ".git/b.md": "x", "node_modules/c/README.md": "x"})
    (root / "link.md").symlink_to(tmp_path / "secret.md")
    (root / "all").symlink_to(tmp_path)
    assert list(open_source(tmp_path, "docs", Limits()).hashes) == ["a.md"]


def test_a_circle_of_links_costs_that_file_only_and_is_counted(tmp_path):
    text = "![x](x.png) ![loop](loop.png) ![in](folder/x.png)"
    root = site(tmp_path / "docs", {"a.md": text, "x.png": picture()})
    for name in ("loop.png", "loop.md", "folder"):
        (root / name).symlink_to(name)
    (root / "gone.png").symlink_to("nowhere.png")
    found = read(root)
    assert [(row["src"], row["reason"]) for row in found.excluded] == [
        *(("loop.png", "broken"), ("folder/x.png", "broken"))
    ]
    assert (len(found.pairs), found.images) == (1, 3)
    assert found.rejected_pages == ["loop.md: unreadable: Too many levels of symbolic links"]
    assert signature(root) == signature(root)


def test_the_fingerprint_changes_with_content_names_and_limits_and_not_with_times(tmp_path):
    def fingerprint(name, files, limits=Limits()):  # noqa: B008
        site(tmp_path / name, files)
        return open_source(tmp_path, name, limits).fingerprint

    first = fingerprint("a", {"x.md": "1", "y.png": b"2"})
    assert fingerprint("b", {"x.md": "1", "y.png": b"2", "notes.txt": "3"}) == first
    assert fingerprint("c", {"x.md": "1", "z.png": b"2"}) != first
    assert fingerprint("d", {"x.md": "2", "y.png": b"2"}) != first
    assert fingerprint("a", {}, Limits(megapixels=1)) != first


def test_source_names_are_partition_keys(tmp_path):
    assert source_names(tmp_path / "none") == []
    site(tmp_path, {"guide-2/a.md": "", ".cache/a.md": "", "file.md": ""})
    assert source_names(tmp_path) == ["guide-2"]
    assert misnamed_folders(tmp_path) is None
    site(tmp_path, {"My Docs/a.md": ""})
    assert source_names(tmp_path) == ["guide-2"]
    assert re.search(r"My Docs.*rename", misnamed_folders(tmp_path))
    with pytest.raises(FileNotFoundError, match="no documentation folder"):
        open_source(tmp_path, "../etc", Limits())


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse such names")
def test_files_whose_names_are_not_utf_8_are_not_read_and_stop_nothing(tmp_path):
    page = "# Parts\n\nThe part is shown below:\n\n![The part](a.png)\n\n![Its link](link.png)\n"
    root = site(tmp_path / "old", {"page.md": page, "a.png": picture()})
    first, before = open_source(tmp_path, "old", Limits()), signature(root)
    (root / os.fsdecode(b"bild-\xfc.png")).write_bytes(picture(seed=1))
    (root / os.fsdecode(b"seite-\xfc.md")).write_text("# Seite", encoding="utf-8")
    (root / "link.png").symlink_to(os.fsdecode(b"bild-\xfc.png"))
    source = open_source(tmp_path, "old", Limits())
    assert source.misnamed == ("bild-\\xfc.png", "seite-\\xfc.md")
    assert source.fingerprint != first.fingerprint and signature(root) != before
    with Decoder(Limits()) as decoder:
        found = extract(source, {}, decoder)
    assert [pair["path"] for pair in found.pairs] == ["a.png"]
    assert [row["reason"] for row in found.excluded] == ["broken"]
    assert found.rejected_pages == ["seite-\\xfc.md: name_not_utf8"]


def test_a_change_of_any_image_that_is_a_pair_changes_the_fingerprint(tmp_path):
    names = [".github/i.png", "plain", "j.jfif", "k.img", "node_modules/l.png", "annexed.png"]
    page = "# Parts\n\nThe part is shown below:\n\n" + "".join(f"![The part]({name})\n\n" for name in names)
    files = {name: picture(seed=seed) for seed, name in enumerate(names[:5])}
    root = site(tmp_path / "guide", files | {".git/annex/m": picture(seed=9), "page.md": page, ".github/x.md": page})
    (root / "annexed.png").symlink_to(".git/annex/m")
    found = read(root)
    assert found.pages == 1
    assert [pair["src"] for pair in found.pairs] == [".github/i.png", "plain", "j.jfif", "annexed.png"]
    assert [(row["src"], row["reason"]) for row in found.excluded] == [
        ("k.img", "not_watched"),
        ("node_modules/l.png", "not_watched"),
    ]
    for name in [".github/i.png", "plain", "j.jfif", ".git/annex/m"]:
        before, looked = open_source(tmp_path, "guide", Limits()).fingerprint, signature(root)
        (root / name).write_bytes(picture(321, 210, seed=20))
        assert open_source(tmp_path, "guide", Limits()).fingerprint != before and signature(root) != looked
