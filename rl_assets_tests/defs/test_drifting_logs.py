"""Files as products write them, dropped into landing and materialized: what their day shows of them."""

import json

import dagster as dg
import pytest

from rl_assets.defs.ingestion.raw_tables import landed_logs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.settings import Settings
from rl_assets.tables.records import INTERACTIONS
from rl_assets_tests.support.logs import DAY, Product, about, interaction
from rl_assets_tests.support.rated_days import check, metadata


def land(product: Product, instance: dg.DagsterInstance, **settings) -> dg.ExecuteInProcessResult:
    home = HomeResource.from_settings(Settings(home=product.landing.parent, **settings))
    return dg.materialize([landed_logs], instance=instance, resources={"home": home}, partition_key=str(DAY))


@pytest.mark.slow  # Builds days for seconds.
def test_a_schema_that_drifts_and_a_clock_that_is_ahead_are_yellow_and_named(product: Product, instance) -> None:
    rows = [interaction(f"a{number}", userRating=4, region="eu") for number in range(3)]
    product.log(name="export.json").write_text(json.dumps(rows, indent=2), encoding="utf-8")
    product.log(interaction("b", quality_scores={"overall": 70, "style": None}))
    product.log(about("b", "f", created_at="2099-01-01T00:00:00Z"), log_format="feedback_table")
    result = land(product, instance)

    fields = check(result, "fields_are_read")
    assert (fields.passed, fields.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "`userRating` on 3 lines of interaction_log (is it `user_rating`?)" in str(fields.description)
    assert "region" not in str(fields.description)
    assert "region" in str(metadata(result, "ingested_files")["unread_fields"])

    ahead = check(result, "no_time_is_ahead")
    assert not ahead.passed
    assert "1 lines are dated more than a day after 2026-10-01, up to 2099-01-01" in str(ahead.description)

    scale = check(result, "ratings_fit_their_scale")
    assert not scale.passed
    assert '{"interaction_log.overall": {"worst": ..., "best": ...}}' in str(scale.description)
    assert {row["interaction_id"] for row in product.rows(INTERACTIONS)} == {"a0", "a1", "a2", "b"}
    assert metadata(result, "ingested_files")["rejects"] == 0


@pytest.mark.slow  # Builds days for seconds.
def test_a_metric_of_a_misspelt_log_format_fails_the_day_by_name(product: Product, instance) -> None:
    product.log(interaction("a"))
    with pytest.raises(dg.Failure, match=r"no log format `langfuze`: is it `langfuse`"):
        land(product, instance, metrics={"langfuze.rating": {"worst": -1, "best": 1}})
    free = {"langfuse.rating.v2": {"best": 5}, "feedback.rating": {"best": 10}, "ragas.faithfulness": {"best": 5}}
    assert land(product, instance, metrics=free).success


@pytest.mark.slow  # Seconds of CPU: a day of its own that stays quiet.
def test_logs_that_do_not_drift_are_green(product: Product, instance) -> None:
    product.log(interaction("a", user_rating=4, region="eu"))
    result = land(product, instance)
    names = ("fields_are_read", "no_time_is_ahead", "ratings_fit_their_scale")
    assert [check(result, name).passed for name in names] == [True, True, True]
