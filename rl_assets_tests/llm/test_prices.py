"""Prices come from a versioned table, and a model that it does not name has none."""

from datetime import date
from pathlib import Path

import pytest

from rl_assets.evaluation.report.eval_sections import models_table, prices_sentence
from rl_assets.llm.prices import Price, PricesUsed, price_of, read_prices
from rl_assets_tests.support.evaluation_samples import html_page, report

OWN = "version: 2026-12-01\nsource: our machine\nmodels:\n  tiny: {input: 0.5, output: 2}\n"


def test_the_shipped_table_has_a_version_and_a_source(tmp_path: Path):
    table = read_prices(tmp_path / "prices.yaml")
    assert table.version >= date(2026, 11, 21) and table.source and table.models


def test_a_table_of_ones_own_wins(tmp_path: Path):
    (tmp_path / "prices.yaml").write_text(OWN, encoding="utf-8")
    found = price_of(read_prices(tmp_path / "prices.yaml"), "tiny")
    assert (str(found.version), found.source, found.price) == ("2026-12-01", "our machine", Price(input=0.5, output=2))


def test_a_price_is_a_million_tokens_of_prompts_and_of_answers():
    assert Price(input=0.5, output=2).usd(1_000_000, 500_000) == pytest.approx(1.5)


def test_an_unknown_model_is_stated_and_costs_a_dash_not_zero(tmp_path: Path):
    assert price_of(read_prices(tmp_path / "prices.yaml"), "tiny").price is None
    whole = report()
    assert "tiny is not in the price table of 2026-11-21 (a list), so no cost is stated" in prices_sentence(
        whole.lineage.base_name, whole.prices
    )
    (cost,) = [row for row in models_table(whole).rows if row[0] == "Cost of 1,000 answers, USD"]
    assert set(cost[1:]) == {None}
    assert "so no cost is stated" in html_page(whole)


def test_a_known_price_stands_with_the_version_of_its_table():
    prices = PricesUsed(version=date(2026, 12, 1), source="our machine", price=Price(input=0.5, output=2))
    models = {role: found.model_copy(update={"cost_per_answer_usd": 1e-5}) for role, found in report().models.items()}
    whole = report(prices=prices, models=models)
    assert "price table of 2026-12-01 (our machine): 0.5 and 2 US dollars" in prices_sentence(
        whole.lineage.base_name, whole.prices
    )
    (cost,) = [row for row in models_table(whole).rows if row[0] == "Cost of 1,000 answers, USD"]
    assert set(cost[1:]) == {"0.0100"}


@pytest.mark.parametrize(
    ("text", "what"),
    [("version: never", "version"), ("- a", "no price table"), (OWN.replace("2}", "-2}"), "output"), ("{", "YAML")],
)
def test_a_bad_table_is_named_with_what_is_wrong(tmp_path: Path, text, what):
    (tmp_path / "prices.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=rf"prices\.yaml.*{what}"):
        read_prices(tmp_path / "prices.yaml")
