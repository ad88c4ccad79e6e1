"""Products that change: fields of other names, scores of other kinds, clocks that run ahead. Each is noticed."""

import pytest

from rl_assets.ingest.unread_fields import count_unread, fields_of
from rl_assets.metrics.scales import Metric
from rl_assets.tables.records import FEEDBACK, INTERACTIONS
from rl_assets_tests.support.logs import Product, Row, about, interaction, opinion, question, reward

TURNS = [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Yes."}]


def chat(**fields) -> dict:
    return {"id": "c", "created": 1790848800, "messages": TURNS, **fields}


DRIFTED = [
    ("interaction_log", interaction(userRating=4), "userRating", "user_rating"),
    ("interaction_log", interaction(user_raiting=4), "user_raiting", "user_rating"),
    ("interaction_log", interaction(**{"Session-ID": "s"}), "Session-ID", "session_id"),
    ("interaction_log", interaction(answer_v2="x"), "answer_v2", None),
    ("interaction_log", interaction(region="eu"), "region", None),
    ("interaction_log", {**interaction(query=None), "querry": "Hi?"}, "querry", None),
    ("reward_log", question(Context="x"), "Context", "context"),
    ("feedback_table", opinion(brandId="acme", brand_id=None), "brandId", None),
    ("feedback_table", {**opinion(), "sessionId": "s"}, "sessionId", "session_id"),
    ("openai_chat", chat(time_stamp=1), "time_stamp", "timestamp"),
    ("openai_chat", chat(feedback={"raiting": 4}), "feedback.raiting", "feedback.rating"),
]


def test_a_field_that_is_not_read_is_counted_with_the_one_that_was_perhaps_meant(product: Product):
    for number, (log_format, row, _, _) in enumerate(DRIFTED):
        product.log(row, log_format=log_format, name=f"{number}.jsonl")
    unread = product.ingest().unread_fields
    expected = {(log_format, field): nearest for log_format, _, field, nearest in DRIFTED}
    assert {(row["log_format"], row["field"]): row["nearest"] for row in unread} == expected
    assert {row["lines"] for row in unread} == {1}


def test_lines_whose_fields_are_all_read_have_none_to_count(product: Product):
    product.log(interaction("a", user_id=None), interaction("b", context="x"))
    product.log(question(), reward(), log_format="reward_log")
    product.log(opinion(), log_format="feedback_table")
    product.log(chat(feedback={"rating": 4}, usage={"total_tokens": 3, "other": 1}), log_format="openai_chat")
    assert product.ingest().unread_fields == []


def test_the_fields_of_a_drifting_log_are_counted_over_its_lines():
    sets = [
        {"log_format": "openai_chat", "fields": "id\x1fmessages\x1fcreated_on\x1ftier", "lines": 5},
        {"log_format": "openai_chat", "fields": "id\x1fmessages\x1fcreated\x1ftier", "lines": 3},
    ]
    assert [(row["field"], row["lines"], row["nearest"]) for row in count_unread(sets)] == [
        ("created_on", 5, "created"),
        ("tier", 8, None),
    ]
    assert "user_rating" in fields_of("interaction_log")


BAD_SCORES = {
    "out of range": (
        {"quality_scores": {"overall": 7, "style": 0.5}},
        {"style": 0.5},
        "overall = 7.0 is not between 0 and 1",
    ),
    "null": ({"quality_scores": {"overall": None, "style": 0.5}}, {"style": 0.5}, None),
    "text": (
        {"quality_scores": {"overall": "good", "style": 0.5}},
        {"style": 0.5},
        "quality_scores.overall = 'good' is no number",
    ),
    "flag": (
        {"quality_scores": {"overall": True, "a/b~c": "0.5"}},
        {"a/b~c": 0.5},
        "quality_scores.overall = true is no number",
    ),
    "nested": ({"quality_scores": {"overall": {"value": 1}}}, {}, 'quality_scores.overall = {"value":1} is no number'),
    "no object": ({"quality_scores": 0.7}, None, "quality_scores = 0.7 is no object of scores"),
    "rating": ({"user_rating": 8}, None, "user_rating = 8.0 is not between 1 and 5"),
    "rating in words": ({"user_rating": "five"}, None, "user_rating = 'five' is no number"),
    "empty rating": ({"user_rating": ""}, None, None),
    "comment": ({"user_feedback": ["x"]}, None, 'user_feedback = ["x"] is no text'),
}


@pytest.fixture(scope="module")
def badly_scored(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Row], list[str]]:
    """The answers by their cases, and the notes on all of them."""
    product = Product.at(tmp_path_factory.mktemp("badly-scored"))
    product.log(*(interaction(f"of {case}", **fields) for case, (fields, _, _) in BAD_SCORES.items()))
    day = product.ingest()
    assert (day.rows, day.rejects, product.rows(FEEDBACK)) == (len(BAD_SCORES), {}, [])
    off_scale = [f"{each['field']} = {each['lowest']} is not between {each['scale']}" for each in day.ratings_off_scale]
    notes = [*off_scale, *(each["note"] for each in day.unread_scores)]
    return {row["interaction_id"]: row for row in product.rows(INTERACTIONS)}, notes


@pytest.mark.parametrize("case", BAD_SCORES)
def test_a_bad_score_never_costs_the_answer_and_is_noted(badly_scored: tuple[dict[str, Row], list[str]], case: str):
    rows, notes = badly_scored
    _, scores, note = BAD_SCORES[case]
    kept = rows[f"of {case}"]["quality_scores"]
    assert (None if kept is None else dict(kept)) == scores
    assert note is None or note in notes


def test_a_score_that_is_missing_is_not_noted(badly_scored: tuple[dict[str, Row], list[str]]):
    _, notes = badly_scored
    assert sorted(notes) == sorted(note for _, _, note in BAD_SCORES.values() if note)


BAD_PARTS = [
    ({"rating": 8, "comment": "Fine."}, ["comment"], "feedback.rating = 8.0"),
    ({"score": 7, "thumbs": "up"}, ["thumbs"], "score = 7.0"),
    ({"thumbs": "sideways", "correction": "Better."}, ["correction"], "feedback.thumbs 'sideways' is none of"),
    ({"rating": "five", "score": 0.5}, ["reward"], "wrong_type: rating"),
    ("good", [], "the feedback is not read"),
]


@pytest.fixture(scope="module")
def badly_judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Row], list[str]]:
    """The feedback on all completions, and the notes on them."""
    product = Product.at(tmp_path_factory.mktemp("badly-judged"))
    lines = [chat(feedback=part) | {"id": f"c{number}"} for number, (part, _, _) in enumerate(BAD_PARTS)]
    product.log(*lines, log_format="openai_chat")
    day = product.ingest()
    assert (day.rows, day.rejects) == (len(BAD_PARTS), {})
    off_scale = [f"{each['field']} = {each['lowest']}" for each in day.ratings_off_scale]
    return product.rows(FEEDBACK), [*off_scale, *(each["note"] for each in day.unread_scores)]


@pytest.mark.parametrize("number", range(len(BAD_PARTS)))
def test_a_bad_part_of_the_feedback_on_a_completion_costs_itself_only(
    badly_judged: tuple[list[Row], list[str]], number: int
):
    events, notes = badly_judged
    _, kinds, words = BAD_PARTS[number]
    assert [event["kind"] for event in events if event["interaction_id"] == f"c{number}"] == kinds
    assert len(notes) == len(BAD_PARTS) and sum(words in note for note in notes) == 1


@pytest.mark.parametrize("name", ["Overall", "overal", ":overall"])
def test_a_log_names_its_scores_as_it_likes(product: Product, name):
    score = {"id": "s", "name": name, "value": 0.5, "source": "API"}
    trace = {"id": "t", "timestamp": "2026-10-01T10:00:00Z", "input": TURNS[:1], "output": "Yes.", "scores": [score]}
    product.log(trace, log_format="langfuse")
    product.log(reward("t", 0.5, dimension=name), log_format="reward_log")
    assert product.ingest().rows == 2
    assert {row["dimension"] for row in product.rows(FEEDBACK)} == {name}


@pytest.mark.parametrize("blank", ["", " ", None])
def test_an_empty_user_is_no_user_in_every_format(product: Product, blank):
    product.log(interaction("a", user_id=blank, session_id=blank))
    product.log(reward("a", user_id=blank), log_format="reward_log")
    product.log(about("a", "f", user_id=blank, brand_id=blank, session_id=blank), log_format="feedback_table")
    product.log(opinion("g", interaction_id=blank, user_id=blank), log_format="feedback_table", name="g.jsonl")
    product.log(chat(user=blank, feedback={"thumbs": "up", "user_id": blank}), log_format="openai_chat")
    ingested = product.ingest()
    assert (ingested.rows, ingested.rejects) == (5, {})
    assert {row["user_id"] for row in product.rows(INTERACTIONS)} == {None}
    raters = {row["feedback_id"]: row["rater"] for row in product.rows(FEEDBACK)}
    assert (raters["f"], raters["c-thumbs"]) == (None, None)


def test_a_verdict_of_the_far_future_is_kept_and_noticed(product: Product):
    product.log(interaction("a"))
    ahead = [about("a", f"f{year}", created_at=f"{year}-01-01T00:00:00Z") for year in (2026, 2099)]
    product.log(*ahead, about("a", "f", created_at="2026-10-02T20:00:00Z"), log_format="feedback_table")
    ingested = product.ingest()
    assert (ingested.rows, len(product.rows(FEEDBACK))) == (4, 3)
    (noticed,) = ingested.times_ahead
    assert (noticed["file"], noticed["lines"], noticed["first_line"]) == (
        "feedback_table/2026-10-01/part-0.jsonl",
        1,
        2,
    )
    assert noticed["latest"].startswith("2099-01-01")


def test_ten_stars_are_read_on_their_scale_once_it_is_declared(product: Product):
    product.log(*(interaction(f"a{stars}") for stars in range(11)))
    product.log(*(about(f"a{n}", f"f{n}", "rating", rating=n) for n in range(11)), log_format="feedback_table")
    undeclared = product.ingest()
    assert undeclared.rejects == {"out_of_range": 6}
    (warned,) = undeclared.ratings_off_scale
    assert (warned["field"], warned["ratings"], warned["lowest"], warned["highest"]) == ("rating", 6, 0.0, 10.0)
    declared = product.ingest(metrics={"feedback_table.rating": Metric(worst=0, best=10)})
    values = {row["interaction_id"]: row["value"] for row in product.rows(FEEDBACK)}
    assert (declared.rejects, values["a0"], values["a5"], values["a10"]) == ({}, 0.0, 0.5, 1.0)
