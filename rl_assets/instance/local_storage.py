"""Dagster's storage on one machine, in a folder of DAGSTER_HOME: runs and events in SQLite, outputs of steps as files.

`dagster.yaml` names these classes. So DAGSTER_HOME can be the project's folder, where that file lies, and what Dagster
writes stays together in one folder of it. Dagster's own classes take an absolute path, or one below the working folder
of whatever process reads the file.
"""

import os
from pathlib import Path
from typing import Any

from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.root import LocalArtifactStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData


def below_dagster_home(folder: str) -> str:
    """The absolute path of a folder of DAGSTER_HOME; without that, of the working folder, as Dagster itself does."""
    return str(Path(os.environ.get("DAGSTER_HOME") or Path.cwd(), folder).expanduser().absolute())


class SqliteStorage(DagsterSqliteStorage):
    """Runs, events, sensors and schedules, in SQLite files of `base_dir`."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "SqliteStorage":
        return cls.from_local(below_dagster_home(config_value["base_dir"]), inst_data)


class ArtifactStorage(LocalArtifactStorage):
    """Files of runs, in `base_dir`."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "ArtifactStorage":
        return cls(below_dagster_home(config_value["base_dir"]), inst_data)


class ComputeLogs(LocalComputeLogManager):
    """What steps print, in `base_dir`."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "ComputeLogs":
        return cls(below_dagster_home(config_value["base_dir"]), inst_data=inst_data)
