"""A guide whose pictures are published as a vision dataset, for tests of the dataset and of training on it."""

from pathlib import Path

from rl_assets.datasets.folder import Dataset, publish_dataset
from rl_assets.documentation.expectations import MULTIMODAL_VISION
from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.publish import publish_source
from rl_assets.documentation.vision import VisionPolicy, build_vision, with_image_feature
from rl_assets.lake.delta import Lake
from rl_assets_tests.support.documentation_sites import guide, site

DAY = "2026-11-20"
SMALL = VisionPolicy(longest_edge=64)


def guide_with_pictures(home: Path) -> Path:
    """A home with a guide of 40 pages and a picture each, two of them SVG."""
    files = guide(40)
    for i in (3, 4):
        files[f"img/{i}.png"] = f"<svg xmlns='http://www.w3.org/2000/svg' width='{300 + i}' height='200'/>"
    site(home / "docs" / "guide", files)
    read(home)
    return home


def read(home: Path) -> None:
    publish_source(Lake(str(home / "lake")), home / "docs", "guide", Limits(), "1GB")


def publish(home: Path, policy: VisionPolicy = SMALL) -> Dataset:
    connection, built = build_vision(Lake(str(home / "lake")), home / "docs", policy, Limits(), "1GB")
    folder = home / "datasets" / "multimodal_vision_dataset" / DAY
    return publish_dataset(connection, folder, built, policy, MULTIMODAL_VISION, {}, with_image_feature)
