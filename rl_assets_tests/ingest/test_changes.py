"""Days compared with what was ingested of them, by name and content of their files."""

from rl_assets.ingest.changes import compare_with_ingested, consecutive
from rl_assets_tests.support.logs import Product, interaction, later

DAYS = [str(later(number)) for number in range(4)]


def test_days_are_the_same_only_with_the_same_names_and_contents(product: Product):
    for number in range(3):
        product.log(interaction(f"a{number}"), day=later(number))
        product.ingest(later(number))
    product.log(interaction("b"), day=later(1), name="late.jsonl")
    product.log(interaction("c2"), day=later(2))
    product.log(interaction("d"), day=later(3))
    compared = compare_with_ingested(product.lake, product.landing, DAYS)
    assert (compared.same, compared.waiting) == ([DAYS[0]], [])


def test_days_beyond_what_a_tick_may_read_wait(product: Product):
    for number in range(3):
        product.log(interaction(f"a{number}"), day=later(number))
        product.ingest(later(number))
    compared = compare_with_ingested(product.lake, product.landing, DAYS[:3], read_bytes=1)
    assert (compared.same, compared.waiting) == ([DAYS[0]], DAYS[1:3])


def test_consecutive_days_are_cut_at_gaps_and_at_the_maximum():
    days = ["2026-12-30", "2026-12-31", "2027-01-01", "2027-01-03"]
    assert consecutive(days, 2) == [days[:2], days[2:3], days[3:]]
    assert consecutive(days, 9) == [days[:3], days[3:]]
