"""Pictures with what their pages say, as a dataset for vision-language models."""

import io
from pathlib import Path

import pytest
from PIL import Image

from rl_assets.datasets.folder import Dataset
from rl_assets.documentation.image_info import Limits, small_copy
from rl_assets.documentation.publish import kept_pairs, publish_source
from rl_assets.documentation.vision import VisionPolicy
from rl_assets.lake.delta import Lake
from rl_assets_tests.support.documentation_sites import guide, picture, site
from rl_assets_tests.support.vision_home import guide_with_pictures, publish, read


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return guide_with_pictures(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def published(home) -> Dataset:
    return publish(home)


def test_every_kept_pair_is_a_row_or_has_its_reason(home, published):
    manifest = published.manifest
    assert manifest.candidates == len(kept_pairs(Lake(str(home / "lake")))) == 40
    assert (manifest.selected, manifest.dropped) == (38, {"svg_is_not_rendered": 2})
    assert all(finding.passed for finding in published.findings if finding.expectation.blocking)


def test_the_dataset_opens_with_an_image_column_and_messages_that_name_the_pictures_place(published, tmp_path):
    import datasets

    opened = datasets.load_dataset(str(published.folder), cache_dir=str(tmp_path))
    assert sum(split.num_rows for split in opened.values()) == 38
    assert opened["train"].features["images"].feature == datasets.Image()
    row = opened["train"][0]
    assert max(row["images"][0].size) == 64
    user, assistant = row["messages"]
    assert [part["type"] for part in user["content"]] == ["image", "text"]
    assert "part" in assistant["content"][0]["text"]


def test_no_page_and_no_picture_is_in_two_splits(published):
    import pyarrow.parquet as pq

    seen: dict[str, set[str]] = {}
    for split in ("train", "validation", "test"):
        for row in pq.read_table(published.folder / f"{split}.parquet", columns=["metadata"]).to_pylist():
            for name in ("page", "sha256"):
                seen.setdefault(row["metadata"][name], set()).add(split)
    assert len(seen) == 76 and all(len(splits) == 1 for splits in seen.values())


def test_the_same_documentation_gives_the_same_content(home, published):
    assert publish(home).sha256 == published.sha256
    assert publish(home, VisionPolicy(longest_edge=32)).sha256 != published.sha256
    assert publish(home).sha256 == published.sha256


def test_a_picture_in_two_versions_of_the_documentation_is_kept_once(tmp_path):
    for name in ("v1", "v2"):
        site(tmp_path / "docs" / name, guide(12))
        publish_source(Lake(str(tmp_path / "lake")), tmp_path / "docs", name, Limits(), "1GB")
    manifest = publish(tmp_path).manifest
    assert (manifest.candidates, manifest.selected, manifest.dropped) == (24, 12, {"in_another_source": 12})


def test_a_picture_that_changed_since_its_page_was_read_is_left_out(tmp_path):
    site(tmp_path / "docs" / "guide", guide(12))
    read(tmp_path)
    (tmp_path / "docs" / "guide" / "img" / "0.png").write_bytes(picture(seed=99))
    (tmp_path / "docs" / "guide" / "img" / "1.png").unlink()
    assert publish(tmp_path).manifest.dropped == {"file_changed": 2}


def test_transparency_becomes_white_and_nothing_of_the_file_but_pixels_is_copied(tmp_path):
    Image.new("RGBA", (300, 200), (0, 0, 0, 0)).save(tmp_path / "x.png", exif=b"Exif\0\0secret place")
    copy = small_copy(tmp_path / "x.png", Limits(), 64, 90)
    assert b"secret place" in (tmp_path / "x.png").read_bytes() and b"secret place" not in copy
    with Image.open(io.BytesIO(copy)) as image:
        assert (image.mode, image.size, image.getpixel((5, 5))) == ("RGB", (64, 43), (255, 255, 255))
