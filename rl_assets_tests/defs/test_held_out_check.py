"""Clusters of near-duplicate prompts are held out as often as single prompts, and a check of each day says so."""

from math import comb

import dagster as dg
import duckdb
import pytest

from rl_assets.core import sql
from rl_assets.datasets.held_out import HeldOut, deviating, held_out_by_size
from rl_assets.datasets.ratings import Window
from rl_assets.defs.datasets.rated_interactions import NO_CLUSTER_DOMINATES, SHARES_ARE_NOMINAL
from rl_assets_tests.support.logs import DAY, Product, judged
from rl_assets_tests.support.rated_days import check, rate

# Prompts per cluster, and how many such clusters there are.
CLUSTERS = {1: 200, 2: 160, 5: 100, 20: 80}
FAIR_DRAW = "split_draw(key) AS cast('0x' || left(sha256('split:' || key), 8) AS UBIGINT)"
KEY_AS_IT_STANDS = "split_draw(key) AS cast('0x' || left(key, 8) AS UBIGINT)"


@pytest.fixture
def clusters(product: Product) -> Product:
    """A log with clusters of every size: prompts that differ in one word of thirty."""
    names = ((size, number, copy) for size, n in CLUSTERS.items() for number in range(n) for copy in range(size))
    product.log(*(_answer(f"{size}-{number}-{copy}", f"s{size}c{number}", copy) for size, number, copy in names))
    return product


def _answer(name: str, cluster: str, copy: int) -> dict:
    words = [f"{cluster}w{place}" for place in range(30)]
    return judged(name, 1.0, query=" ".join([*words, f"copy{copy}"]), answer=f"That is {name}.")


@pytest.mark.slow  # Builds days for seconds.
def test_clusters_of_every_size_are_held_out_within_three_standard_errors(
    clusters: Product, instance: dg.DagsterInstance
):
    found = check(rate(clusters, instance), SHARES_ARE_NOMINAL)
    assert found.passed and found.partition == str(DAY)
    sizes = held_out_by_size(clusters.lake, Window(DAY, 30))
    assert {size.prompts: size.clusters for size in sizes} == dict(
        zip(("1", "2", "5 to 9", "10 and more"), CLUSTERS.values(), strict=True)
    )
    for size in sizes:
        assert abs(size.share - 0.1) < 3 * size.standard_error, size
        assert (
            f"| `{size.prompts}` | `{size.clusters}` | `{size.held_out}` |" in found.metadata["held_out_by_size"].value
        )


@pytest.mark.slow  # Builds days for seconds.
def test_a_split_by_the_smallest_hash_itself_is_a_warning_that_names_the_sizes(
    clusters: Product, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
):
    assert FAIR_DRAW in sql.text("macros/datasets")
    unfair = sql.text("macros/datasets").replace(FAIR_DRAW, KEY_AS_IT_STANDS)
    parsed = sql._parsed
    statements = {"macros/datasets": duckdb.extract_statements(unfair)}
    monkeypatch.setattr(sql, "_parsed", lambda name: statements.get(name) or parsed(name))
    found = check(rate(clusters, instance), SHARES_ARE_NOMINAL)
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    for expected in ("of 160 clusters of 2 prompts", "0 of 100 clusters of 5 to 9", "0 of 80 clusters of 10 and more"):
        assert expected in found.description
    assert "clusters of 1 prompts" not in found.description


@pytest.mark.slow  # Builds days for seconds.
def test_a_log_of_one_template_is_a_warning_that_names_the_split(product: Product, instance: dg.DagsterInstance):
    product.log(*(_answer(f"t-{copy}", "template", copy) for copy in range(40)), judged("other", 1.0, query="Why?"))
    found = check(rate(product, instance), NO_CLUSTER_DOMINATES)
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert found.description.startswith("40 of 41 prompts differ in so few words that they are one question here")


@pytest.mark.slow  # Builds days for seconds.
def test_a_log_of_many_clusters_has_none_that_dominates(clusters: Product, instance: dg.DagsterInstance):
    assert check(rate(clusters, instance), NO_CLUSTER_DOMINATES).passed


def test_few_clusters_never_deviate_by_chance():
    for clusters in range(1, 4):
        assert deviating([HeldOut("1", clusters, held_out, 0.1) for held_out in range(clusters)]) == []
    assert deviating([HeldOut("1", 22, 0, 0.1), HeldOut("2", 5, 2, 0.1), HeldOut("3 to 4", 1, 1, 0.1)]) == []


def test_fair_splits_deviate_as_rarely_as_stated():
    sizes = (300, 200, 120, 100)
    outside = 1.0
    for n in sizes:
        accepted = [k for k in range(n + 1) if not deviating([HeldOut("x", n, k, 0.1), *_others(3)])]
        outside *= sum(_probability(k, n) for k in accepted)
    assert 1 - outside <= 0.0027


def _others(n: int) -> list[HeldOut]:
    return [HeldOut("other", 10, 1, 0.1)] * n


def _probability(k: int, n: int) -> float:
    return comb(n, k) * 0.1**k * 0.9 ** (n - k)
