"""Documentation images through Dagster: sources as partitions, nothing done twice, and what the UI shows."""

import os
import sys
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.definitions import build_defs
from rl_assets.defs.documentation.images import docs_changed
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.documentation.publish import read_rows
from rl_assets.settings import Settings
from rl_assets.tables.documentation import EXCLUDED_IMAGES, IMAGE_SOURCES, MARKDOWN_IMAGE_PAIRS
from rl_assets_tests.support.documentation_sites import guide, picture, site

TABLES = (MARKDOWN_IMAGE_PAIRS.name, EXCLUDED_IMAGES.name, IMAGE_SOURCES.name)


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as ephemeral:
        ephemeral.add_dynamic_partitions("doc_sources", ["guide", "empty"])
        yield ephemeral


def materialize(instance: dg.DagsterInstance, home: Path, source: str) -> dg.ExecuteInProcessResult:
    defs = build_defs(
        resources={"home": HomeResource.from_settings(Settings(home=home))}, executor=dg.in_process_executor
    )
    job = defs.resolve_job_def("images_job")
    return job.execute_in_process(partition_key=source, instance=instance, raise_on_error=False)


def metadata(result: dg.ExecuteInProcessResult, name: str) -> dict:
    node = "documentation_images"
    events = {event.asset_key.to_user_string(): event for event in result.asset_materializations_for_node(node)}
    return events[name].metadata


def test_a_source_becomes_three_tables_with_their_checks_and_a_gallery(home, instance):
    site(home / "docs" / "guide", guide())
    result = materialize(instance, home, "guide")
    assert result.success
    assert metadata(result, "markdown_image_pairs")["kept"].value == 12
    assert "data:image/webp;base64," in metadata(result, "markdown_image_pairs")["gallery"].value
    assert "`remote`" in metadata(result, "excluded_images")["by_reason"].value
    assert metadata(result, "image_sources")["images"].value == 13
    checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert checks["every_image_is_counted"] and checks["at_least_10_pairs"] and len(checks) == 10


def test_a_second_run_reads_nothing_and_writes_nothing(home, instance):
    site(home / "docs" / "guide", guide())
    assert materialize(instance, home, "guide").success
    lake = HomeResource.from_settings(Settings(home=home)).lake
    versions = [lake.open(table).version() for table in (MARKDOWN_IMAGE_PAIRS, EXCLUDED_IMAGES, IMAGE_SOURCES)]
    again = materialize(instance, home, "guide")
    assert metadata(again, "image_sources")["changed"].value is False
    assert versions == [lake.open(table).version() for table in (MARKDOWN_IMAGE_PAIRS, EXCLUDED_IMAGES, IMAGE_SOURCES)]


def test_a_missing_source_is_a_clear_failure(home, instance):
    result = materialize(instance, home, "guide")
    assert not result.success
    failure = next(event for event in result.all_events if event.is_step_failure).step_failure_data.error
    assert "there is no documentation folder" in str(failure.cause or failure)


def test_a_source_without_images_warns_and_is_published(home, instance):
    site(home / "docs" / "empty", {"a.md": "# Nothing to see"})
    result = materialize(instance, home, "empty")
    assert result.success
    failed = {check.check_name for check in result.get_asset_check_evaluations() if not check.passed}
    assert failed == {"at_least_10_pairs", "kept_pairs_are_confident", "image_types_are_diverse"}


def test_the_sensor_adds_sources_and_asks_again_only_when_files_change(home, instance):
    site(home / "docs" / "guide", guide())
    site(home / "docs" / "new-product", {"a.md": "x"})
    context = {"instance": instance, "resources": {"home": HomeResource.from_settings(Settings(home=home))}}

    def keys() -> dict[str, str]:
        found = docs_changed(dg.build_sensor_context(**context))
        assert [key for ask in found.dynamic_partitions_requests for key in ask.partition_keys] == ["new-product"]
        return {request.partition_key: request.run_key for request in found.run_requests}

    first = keys()
    assert set(first) == {"guide", "new-product"} and keys() == first
    (home / "docs" / "guide" / "img" / "0.png").write_bytes(picture(seed=99))
    assert {name for name, key in keys().items() if key != first[name]} == {"guide"}


def test_a_circle_of_links_in_one_source_stops_no_other(home, instance):
    site(home / "docs" / "empty", {"a.md": "# A\n\n![loop](loop.png)"})
    (home / "docs" / "empty" / "loop.png").symlink_to("loop.png")
    site(home / "docs" / "guide", guide())
    resources = {"home": HomeResource.from_settings(Settings(home=home))}
    found = docs_changed(dg.build_sensor_context(instance=instance, resources=resources))
    assert [request.partition_key for request in found.run_requests] == ["empty", "guide"]
    result = materialize(instance, home, "empty")
    assert result.success and "`broken`" in metadata(result, "excluded_images")["by_reason"].value


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse such names")
def test_a_folder_that_cannot_be_a_source_stops_no_other_and_is_named(home, instance, capsys):
    site(home / "docs" / "guide", guide())
    site(home / "docs" / "empty", {"a.md": "# A", "b.png": picture()})
    (home / "docs" / "empty" / os.fsdecode(b"bild-\xfc.png")).write_bytes(picture())
    (home / "docs" / "My Docs").mkdir()
    resources = {"home": HomeResource.from_settings(Settings(home=home))}
    found = docs_changed(dg.build_sensor_context(instance=instance, resources=resources))
    assert [request.partition_key for request in found.run_requests] == ["empty", "guide"]
    assert "My Docs" in capsys.readouterr().err
    assert materialize(instance, home, "empty").success


def test_a_home_whose_only_folder_cannot_be_a_source_says_so(home, instance):
    (home / "docs" / "My Docs").mkdir(parents=True)
    resources = {"home": HomeResource.from_settings(Settings(home=home))}
    found = docs_changed(dg.build_sensor_context(instance=instance, resources=resources))
    assert "My Docs" in found.skip_message and "rename" in found.skip_message


def test_a_source_that_cannot_be_looked_at_fails_in_its_own_run(home, instance, monkeypatch):
    for name in ("guide", "locked"):
        site(home / "docs" / name, guide(1))

    def look(root: Path) -> str:
        if root.name == "locked":
            raise PermissionError(13, "Permission denied")
        return "state"

    monkeypatch.setattr("rl_assets.defs.documentation.images.signature", look)
    resources = {"home": HomeResource.from_settings(Settings(home=home))}
    found = docs_changed(dg.build_sensor_context(instance=instance, resources=resources))
    assert [request.partition_key for request in found.run_requests] == ["guide", "locked"]


def test_a_home_without_documentation_asks_for_nothing(home, instance):
    context = dg.build_sensor_context(
        instance=instance, resources={"home": HomeResource.from_settings(Settings(home=home))}
    )
    assert "there is no documentation folder" in docs_changed(context).skip_message


@pytest.mark.slow
def test_pages_of_docusaurus_whose_title_is_in_front_matter_reach_the_pairs(home, instance):
    text = (
        "---\ntitle: How to log in\n---\n\nimport shot from './x.png';\n\n"
        "Open the page and enter your name, as shown below:\n\n"
        ":::note\n<img src={shot} alt='The page for entering your name' />\n:::\n\n<img src={props.image} />\n"
    )
    site(home / "docs" / "guide", {"p.mdx": text, "x.png": picture()})
    assert materialize(instance, home, "guide").success
    lake = HomeResource.from_settings(Settings(home=home)).lake
    (pair,) = read_rows(lake, MARKDOWN_IMAGE_PAIRS, "guide")
    assert (pair["path"], pair["headings"], pair["kept"]) == ("x.png", ["How to log in"], True)
    assert [row["src"] for row in read_rows(lake, EXCLUDED_IMAGES, "guide")] == ["{props.image}"]


@pytest.mark.slow
def test_index_and_datasets_follow_from_the_pairs_and_stay_where_nothing_changed(home, instance):
    plain = {
        f"plain/{i}.md": f"# Part {i}\n\n## Storage of {i}\n\nOf {i}: {'Keep it dry and cool. ' * 4}" for i in range(9)
    }
    site(home / "docs" / "guide", guide() | plain)
    assert materialize(instance, home, "guide").success

    def versions() -> dict[str, str]:
        defs = build_defs(
            resources={"home": HomeResource.from_settings(Settings(home=home))}, executor=dg.in_process_executor
        )
        names = ("image_index", "multimodal_sft_dataset", "multimodal_grpo_dataset")
        result = defs.resolve_job_def("multimodal_job").execute_in_process(
            partition_key="2026-11-20", instance=instance, asset_selection=[dg.AssetKey(name) for name in names]
        )
        assert {check.check_name for check in result.get_asset_check_evaluations() if not check.passed} == {
            "at_least_100_rows"
        }
        events = [event for name in names for event in result.asset_materializations_for_node(name)]
        assert [event.asset_key.to_user_string() for event in events] == [*names]
        return {event.asset_key.to_user_string(): event.tags["dagster/data_version"] for event in events}

    assert versions() == versions()
