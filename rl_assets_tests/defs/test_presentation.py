"""What a user finds in the UI on every page, without having to read the code."""

import inspect
from pathlib import Path

import pytest
from dagster._core.definitions.metadata import CodeReferencesMetadataValue

from rl_assets.definitions import defs
from rl_assets.defs.shared.presentation import DATASETS

ASSETS = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
AUTOMATIONS = [*defs.sensors, *defs.schedules]


@pytest.mark.parametrize("name", sorted(ASSETS))  # In one order, or workers would disagree on the tests.
def test_every_asset_says_what_it_is_whose_and_made_with_what_in_a_group_with_a_link_to_its_code(name):
    spec = ASSETS[name]
    assert spec.description and spec.description[0].isupper() and spec.description.rstrip().endswith(".")
    assert spec.owners and spec.kinds and spec.group_name != "default"
    code = spec.metadata["dagster/code_references"]
    assert isinstance(code, CodeReferencesMetadataValue)
    assert all(Path(reference.file_path).is_file() for reference in code.code_references)


@pytest.mark.parametrize("name", DATASETS)
def test_every_dataset_describes_its_columns(name):
    columns = ASSETS[name].metadata["dagster/column_schema"].columns
    assert columns and all(column.type and column.description for column in columns)


@pytest.mark.parametrize("automation", AUTOMATIONS, ids=lambda found: found.name)
def test_every_sensor_and_schedule_says_what_it_does(automation):
    assert automation.description and automation.description.rstrip().endswith(".")


@pytest.mark.parametrize("job", ["datasets_job", "retrain_job", "full_job", "erase", "retention", "doctor"])
def test_every_job_says_what_it_does(job):
    assert defs.resolve_job_def(job).description


def test_the_place_of_the_code_is_that_of_the_function():
    from rl_assets.defs.datasets import datasets

    (reference,) = ASSETS["sft_dataset"].metadata["dagster/code_references"].code_references
    assert reference.file_path == str(Path(inspect.getfile(datasets)).absolute())
