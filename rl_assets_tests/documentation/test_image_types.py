"""The type of an image by its names, shape and colours."""

import json
from pathlib import Path

import pytest

from rl_assets.documentation.decoding import Decoder
from rl_assets.documentation.extraction import extract
from rl_assets.documentation.image_info import ImageInfo, Limits
from rl_assets.documentation.image_types import image_type
from rl_assets.documentation.sources import open_source

LABELS = Path(__file__).parents[1] / "data" / "image-labels" / "types.jsonl"


@pytest.fixture(scope="module")
def types(published_data):
    """The type of every image file of the published sites."""
    with Decoder() as decoder:
        return {
            (name, pair["path"]): pair["image_type"]
            for name in ("docs-fastapi", "docs-mkdocs-material", "docs-prefect", "docs-streamlit")
            for pair in extract(open_source(published_data / name, "tree", Limits()), {}, decoder).pairs
        }


def facts(width, height, kind="png", colours=0.1, flat=0.5, saturation=0.1):
    return ImageInfo("0", width, height, kind, 1, 1, colours, flat, saturation)


@pytest.mark.parametrize(
    ("found", "names", "kind"),
    [
        (facts(120, 20), "build.svg", "badge"),
        (facts(32, 32), "x.png", "icon"),
        (facts(400, 100), "company-logo.png", "logo"),
        (facts(800, 600), "Architecture overview", "diagram"),
        (facts(800, 600), "loss-plot.png", "chart"),
        (facts(800, 600), "Settings dialog", "screenshot"),
        (facts(800, 600, colours=0.9, flat=0.01), "x.jpg", "photo"),
        (facts(0, 0, "svg"), "x.svg", "diagram"),
        (facts(120, 60), "build-badge.svg", "badge"),
        (facts(400, 100), "img/logos acme.png", "logo"),
        (facts(900, 880, colours=0.01, flat=0.95), "mongo.png screenshot", "logo"),
        (facts(164, 50, "svg"), "acme.svg", "logo"),
        (facts(500, 160, colours=0.01, saturation=0), "hello-flow-viz.png", "diagram"),
        (facts(800, 600, colours=0.9, flat=0.01), "appliance-photo.png", "photo"),
        (facts(1200, 630, colours=0, flat=1, saturation=0.4), "layer-0.png", "illustration"),
    ],
)
def test_an_image_has_a_type_by_its_names_and_its_pixels(found, names, kind):
    assert image_type(found, names) == kind


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ("brave-shield.png", "screenshot"),
        ("app-icon-settings.png", "screenshot"),
        ("iconic-building.png", "screenshot"),
        ("flow_details.png", "screenshot"),
        ("admin-pipeline-view.png", "screenshot"),
        ("workflow-settings.png", "screenshot"),
        ("Asset Graph in the UI", "screenshot"),
        ("photo-upload.png", "screenshot"),
        ("plotting.png", "screenshot"),
    ],
)
def test_a_word_of_the_names_counts_only_whole_and_if_size_and_colours_fit(names, kind):
    assert image_type(facts(800, 600), names) == kind


@pytest.mark.slow
@pytest.mark.parametrize(("sample", "share"), [("random", 0.96), ("unlike_screenshots", 0.95)])
def test_images_of_published_documentation_have_the_types_that_a_reader_sees(types, sample, share):
    rows = [row for row in map(json.loads, LABELS.read_text(encoding="utf-8").splitlines()) if row["set"] == sample]
    right = [types[row["source"], row["path"]] == row["type"] for row in rows]
    assert len(rows) >= 60 and sum(right) / len(rows) > share
