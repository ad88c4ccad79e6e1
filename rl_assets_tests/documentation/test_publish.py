"""A source is read where it changed, and costs nothing where it did not."""

import json
import subprocess
import sys

import pytest

from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.publish import PublishedSource, publish_source
from rl_assets.lake.delta import Lake
from rl_assets.tables.documentation import (
    EXCLUDED_IMAGES,
    IMAGE_AUDITS,
    IMAGE_SOURCES,
    MARKDOWN_IMAGE_PAIRS,
    TEXT_SECTIONS,
)
from rl_assets_tests.support.documentation_sites import guide, picture, site

TABLES = (MARKDOWN_IMAGE_PAIRS, EXCLUDED_IMAGES, TEXT_SECTIONS, IMAGE_SOURCES, IMAGE_AUDITS)
AGAIN = """
import json, sys
from pathlib import Path
from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.publish import publish_source
from rl_assets.lake.delta import Lake

home = Path(sys.argv[1])
found = publish_source(Lake(str(home / "lake")), home / "docs", "guide", Limits(), "1GB")
heavy = [name for name in ("great_expectations", "pandas", "torch", "markdown_it.main") if name in sys.modules]
print(json.dumps([found.changed, found.decoded, len(found.audit.findings), heavy]))
"""


@pytest.fixture
def source(tmp_path):
    site(tmp_path / "docs" / "guide", guide())
    return tmp_path


def read(home) -> PublishedSource:
    return publish_source(Lake(str(home / "lake")), home / "docs", "guide", Limits(), "1GB")


def versions(home) -> list[int]:
    return [Lake(str(home / "lake")).open(table).version() for table in TABLES]


def test_a_second_time_nothing_is_read_decoded_audited_or_written(source):
    first, before = read(source), versions(source)
    ran = subprocess.run([sys.executable, "-c", AGAIN, str(source)], capture_output=True, text=True, check=True)
    changed, decoded, findings, heavy = json.loads(ran.stdout)
    assert (changed, decoded, findings) == (False, 0, len(first.audit.findings))
    assert "great_expectations" not in heavy and "torch" not in heavy
    assert versions(source) == before


def test_what_was_found_is_shown_again_as_it_was(source):
    first, again = read(source), read(source)
    assert (first.changed, again.changed) == (True, False)
    assert again.audit == first.audit and "data:image/webp" in again.audit.gallery
    assert (again.counts, again.published, again.excluded) == (first.counts, first.published, first.excluded)


def test_a_changed_image_is_read_and_reviewed_anew(source):
    first = read(source)
    (source / "docs" / "guide" / "img" / "0.png").write_bytes(picture(seed=99))
    again = read(source)
    assert (again.changed, again.decoded) == (True, 1)
    assert again.counts["fingerprint"] != first.counts["fingerprint"]
    assert again.audit.gallery != first.audit.gallery


def test_an_interrupted_reading_is_made_up_for(source):
    lake = Lake(str(source / "lake"))
    first = read(source)
    lake.publish(IMAGE_SOURCES, "guide", IMAGE_SOURCES.schema.empty_table().to_reader())  # The account comes last.
    assert read(source).changed
    assert read(source).published == first.published


def test_a_source_whose_files_are_gone_from_the_folder_is_an_error(source):
    read(source)
    with pytest.raises(FileNotFoundError, match="there is no documentation folder"):
        publish_source(Lake(str(source / "lake")), source / "docs", "other", Limits(), "1GB")
