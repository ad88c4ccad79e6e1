"""The report as Dagster's own pages show it: its figures, its picture, and where the whole page lies."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.defs.evaluation.reports import report_metadata
from rl_assets.evaluation.report.files import write_report
from rl_assets.evaluation.schema.report import JudgeResult
from rl_assets_tests.support.evaluation_samples import DAY, report, verdicts
from rl_assets_tests.support.servers import free_port, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PICTURE = "img[src^='data:image/svg+xml']"


@pytest.fixture(scope="module")
def reported(tmp_path_factory) -> dict[str, str]:
    """The environment of a home with a report, and of an instance that knows of it."""
    home = tmp_path_factory.mktemp("ui")
    (home / "dagster").mkdir()
    settings = "telemetry: {enabled: false}\nnux: {enabled: false}\n"
    (home / "dagster" / "dagster.yaml").write_text(settings, encoding="utf-8")
    folder = home / "reports" / DAY
    write_report(report(judge=JudgeResult(pairwise=verdicts())), folder)
    metadata = report_metadata(report(judge=JudgeResult(pairwise=verdicts())), folder)
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("eval_report", partition=DAY, metadata=metadata))
    return {**os.environ, "DAGSTER_HOME": str(home / "dagster"), "RL_ASSETS_HOME": str(home)}


@pytest.fixture(scope="module")
def address(reported) -> Iterator[str]:
    """Where Dagster's web server listens."""
    port = free_port()
    program = shutil.which("dagster-webserver", path=Path(sys.executable).parent)
    assert program is not None
    command = [program, "-m", "rl_assets.definitions", "-h", "127.0.0.1", "-p", str(port)]
    with serving(command, f"http://127.0.0.1:{port}/server_info", reported):
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("view", ["overview", f"partitions&partition={DAY}"])
def test_the_report_is_read_where_the_asset_is_looked_at(chromium, address, view):
    page = chromium.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(f"{address}/assets/eval_report?view={view}")
    picture = page.locator(PICTURE).first
    picture.wait_for(timeout=60_000)
    box, drawn = picture.bounding_box(), picture.evaluate("image => image.complete && image.naturalWidth")
    text = page.locator("body").inner_text()
    page.close()
    assert drawn and box is not None and box["width"] > 200
    assert "Exact match of the candidate: 0.500 [0.400, 0.600] on 80 items" in text
    assert "report.html" in text
