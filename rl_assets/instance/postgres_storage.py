"""Dagster's storage in PostgreSQL, for runs that outlive a restart of the server.

`deploy/dagster-postgres.yaml` names it. Dagster itself gives up connecting after about six seconds, in six tries. The
event that cannot be stored fails its step, and a failed step is not run again.
"""

from typing import Any

from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import get_token_provider_from_config, pg_url_from_config
from sqlalchemy import Engine, event
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

# Of each of Dagster's six tries, so that they take a minute. A wrong password is reported at once.
PATIENCE_S = 10


class PatientPostgresStorage(DagsterPostgresStorage):
    """Dagster's, which waits a minute for a server that is away."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            wait_when_connecting(storage._engine, PATIENCE_S)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "PatientPostgresStorage":
        return cls(
            inst_data=inst_data,
            postgres_url=pg_url_from_config(config_value),
            should_autocreate_tables=config_value.get("should_autocreate_tables", True),
            token_provider=get_token_provider_from_config(config_value),
        )


def wait_when_connecting(engine: Engine, seconds: float) -> None:
    """Make the engine's connections wait so long for a server that is away; raises the driver's error after that."""

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Any, record: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        away = retry_if_exception_type(dialect.loaded_dbapi.OperationalError)
        tries = Retrying(retry=away, stop=stop_after_delay(seconds), wait=wait_fixed(0.5), reraise=True)
        return tries(dialect.connect, *arguments, **named)
