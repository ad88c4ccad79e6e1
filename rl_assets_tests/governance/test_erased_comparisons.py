"""A comparison quotes both of its answers: it goes with either."""

import pytest

from rl_assets.governance.scope import find_scope
from rl_assets.lake.tombstones import ERASURES, Erased, tombstones
from rl_assets.tables.records import FEEDBACK
from rl_assets_tests.support.logs import Product, about, interaction


@pytest.mark.parametrize("answer", ["a", "b"])
def test_a_comparison_goes_with_either_of_its_answers(product: Product, answer: str):
    texts = {"preferred_output": "One.", "rejected_output": "Two."}
    product.log(interaction("a", answer="One."), interaction("b", answer="Two."), interaction("c"))
    product.log(
        about("a", "compared", "preference", other_interaction_id="b", **texts),
        about("c", "thumb"),
        log_format="feedback_table",
    )
    product.ingest()
    erased = Erased(interactions=frozenset({answer}))
    scope = find_scope(product.lake, erased)
    assert (scope.feedback_ids, scope.stated) == ({"compared"}, {"a"})
    product.lake.publish(ERASURES, "e1", tombstones("e1", erased))
    product.ingest()
    assert [row["feedback_id"] for row in product.rows(FEEDBACK)] == ["thumb"]
