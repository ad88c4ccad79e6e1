"""Feedback on a whole session judges each of its answers."""

from rl_assets.tables.records import FEEDBACK
from rl_assets_tests.support.logs import DAY, Product, interaction, later, reward


def test_a_judgement_of_a_session_reaches_its_answers_and_no_others(product: Product):
    product.log(interaction("a1", session_id="s"), interaction("a2", session_id="s"), interaction("b", session_id="t"))
    product.log(reward("s", 0.75), log_format="reward_log")
    product.ingest()
    rewards = {name: row["reward"] for name, row in product.rated().items()}
    assert rewards == {"a1": 0.75, "a2": 0.75, "b": None}


def test_it_may_land_before_its_answers(product: Product):
    product.log(reward("s", 0.75), log_format="reward_log")
    product.log(interaction("a1", session_id="s", timestamp=f"{later(1)}T10:00:00Z"), day=later(1))
    product.ingest()
    assert product.rated() == {}
    product.ingest(later(1))
    assert product.rated(later(1))["a1"]["reward"] == 0.75


def test_an_answers_own_judgement_and_that_of_its_session_both_count(product: Product):
    product.log(interaction("a1", session_id="s"))
    product.log(reward("s", 0.5, user_id="u"), reward("a1", 1.0, user_id="v"), log_format="reward_log")
    product.ingest()
    row = product.rated()["a1"]
    assert (row["reward"], row["raters"]) == (0.75, 2)


def test_an_id_that_names_an_answer_is_never_taken_for_a_session(product: Product):
    product.log(interaction("x", session_id="other"), interaction("a1", session_id="x"))
    product.log(reward("x", 0.25), log_format="reward_log")
    product.ingest()
    rewards = {name: row["reward"] for name, row in product.rated(DAY).items()}
    assert rewards == {"x": 0.25, "a1": None}
    assert len(product.rows(FEEDBACK)) == 1
