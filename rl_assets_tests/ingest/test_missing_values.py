"""Missing values as data frames, spreadsheets and databases write them: they cost no line, and are nobody's opinion."""

import pytest

from rl_assets.tables.records import FEEDBACK, INTERACTIONS
from rl_assets_tests.support.logs import Product, about, interaction, question, reward

WORDS = ("", "  ", "nan", "NaN", "None", "<NA>", "NaT", "null")
OPTIONAL = (
    *("quality_scores", "latency_ms", "tools_used", "error_occurred", "session_id", "user_id", "retrieval_method"),
    *("error_message", "tokens_used", "cost_usd", "user_rating", "user_feedback", "messages", "category", "task"),
    *("segment", "model", "adapter", "propensity"),
)


def test_a_word_for_a_missing_value_costs_no_answer_and_is_no_feedback(product: Product):
    product.log(*(interaction(f"a{n}", **dict.fromkeys(OPTIONAL, word)) for n, word in enumerate(WORDS)))
    ingested = product.ingest()
    assert (ingested.rows, ingested.rejects, ingested.unread_scores) == (len(WORDS), {}, [])
    assert product.rows(FEEDBACK) == []
    filled = {name for row in product.rows(INTERACTIONS) for name in OPTIONAL if row.get(name) is not None}
    assert filled == set()


def test_raters_without_a_name_are_not_one_rater(product: Product):
    product.log(*(interaction(f"a{n}", user_id=word, user_rating=4) for n, word in enumerate(WORDS)))
    product.log(*(about("a0", f"f{n}", user_id=word) for n, word in enumerate(WORDS)), log_format="feedback_table")
    rows = [reward("a1", user_id=word, timestamp=word, source=word, dimension=word) for word in WORDS]
    product.log(*rows, question("q", top_k="nan", timestamp=""), log_format="reward_log")
    chat = {"id": "c", "messages": [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Yes."}]}
    product.log(
        *({**chat, "id": f"c{n}", "user": word, "created": word} for n, word in enumerate(WORDS)),
        log_format="openai_chat",
    )
    ingested = product.ingest()
    assert ingested.rejects == {}
    assert {row["rater"] for row in product.rows(FEEDBACK)} == {None}
    assert {row["user_id"] for row in product.rows(INTERACTIONS)} == {None}
    assert {row["dimension"] for row in product.rows(FEEDBACK)} == {"overall"}


@pytest.mark.parametrize("written", [11, 11.0, "11", "11.0", " 11 "])
def test_a_numbered_user_is_one_rater_however_a_data_frame_wrote_it(product: Product, written):
    product.log(interaction("a", user_id="11"), interaction("b", user_id=written))
    product.ingest()
    assert len({row["user_id"] for row in product.rows(INTERACTIONS)}) == 1
