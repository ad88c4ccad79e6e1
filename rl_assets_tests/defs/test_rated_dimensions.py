"""Ratings by dimension, from files that were dropped to the table and its check."""

import dagster as dg
import pytest

from rl_assets.defs.rewards.rated_dimensions import rated_dimensions
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.settings import Settings
from rl_assets.tables.rated_dimensions import RATED_DIMENSIONS
from rl_assets_tests.support.dimension_logs import MTRAG_DIMENSIONS, mtrag_lines, rated_answer
from rl_assets_tests.support.logs import DAY, Product, interaction, reward
from rl_assets_tests.support.rated_days import check, rate

# As measured with the published ratings: three people, 477 answers.
PUBLISHED_ALPHA = {"faithfulness": 0.55, "completeness": 0.39, "naturalness": 0.30, "appropriateness": 0.05}


def dimensions_of(product: Product, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    assert rate(product, instance).success
    home = HomeResource.from_settings(Settings(home=product.landing.parent))
    return dg.materialize([rated_dimensions], instance=instance, resources={"home": home}, partition_key=str(DAY))


def test_people_and_machines_have_rows_of_their_own(product: Product, instance: dg.DagsterInstance):
    product.log(interaction("a1", quality_scores={"accuracy": 0.9, "brand": 0.4, "tone": 0.1}))
    product.log(
        reward("a1", 0.2, dimension="accuracy", user_id="ann"),
        reward("a1", 0.6, dimension="accuracy", user_id="bob"),
        reward("a1", 0.3, dimension="accuracy", user_id="bob", timestamp=f"{DAY}T12:00:00Z"),
        reward("a1", 0.7, dimension="brand", source="judge"),
        reward("gone", 0.7, dimension="brand"),
        log_format="reward_log",
    )
    assert dimensions_of(product, instance).success
    rows = {(row["dimension"], row["source"]): row for row in product.rows(RATED_DIMENSIONS, DAY)}
    found = {key: (row["value"], row["raters"], row["spread"]) for key, row in rows.items()}
    assert found == {
        ("accuracy", "human"): (0.25, 2, 0.05),
        ("accuracy", "judge"): (0.9, 1, 0.0),
        ("brand", "judge"): (0.7, 1, 0.0),
        ("tone", "judge"): (0.1, 1, 0.0),
    }
    assert {row["interaction_id"] for row in rows.values()} == {"a1"}
    assert all(row["split"] and row["cluster_key"] and row["model"] is None for row in rows.values())


def test_a_dimension_on_which_people_agree_passes(product: Product, instance: dg.DagsterInstance):
    product.log(
        *(
            line
            for number in range(60)
            for line in rated_answer(
                f"q{number}", {"tone": [number % 5 / 4] * 2}, question=f"What is {number} squared?"
            )
        ),
        log_format="reward_log",
    )
    result = check(dimensions_of(product, instance), "people_agree_on_dimensions")
    assert result.passed and result.metadata["tone"].value == pytest.approx(1)


@pytest.mark.slow  # Rates some hundred answers.
def test_the_agreement_of_published_raters_is_as_published_and_noise_is_named(
    published_data, product: Product, instance: dg.DagsterInstance
):
    product.log(*mtrag_lines(published_data), log_format="reward_log")
    result = check(dimensions_of(product, instance), "people_agree_on_dimensions")
    found = {name: result.metadata[name].value for name in MTRAG_DIMENSIONS}
    assert found == pytest.approx(PUBLISHED_ALPHA, abs=0.01)
    assert not result.passed and result.severity is dg.AssetCheckSeverity.WARN
    assert "appropriateness: alpha 0.05 [" in result.description and "on 477 answers" in result.description
    assert "faithfulness" not in result.description
