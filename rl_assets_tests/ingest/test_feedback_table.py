"""The format `feedback_table`: acts of feedback with the output they judge, or with the id of one."""

from rl_assets.tables.records import FEEDBACK, INTERACTIONS, REJECTED_RECORDS
from rl_assets_tests.support.logs import Product, about, interaction, opinion

# Of an event as ingested before there were comparisons of two answers.
OLD_HASH = "9e8353fc9c13c4e8bd2c6c83f6c2f50f4757d42321ce0d999d422ed792ab6fa5"


def test_a_row_is_an_act_of_feedback_and_the_answer_it_judges(product: Product):
    product.log(opinion(comment="Lovely.", session_id="s1"), log_format="feedback_table")
    assert product.ingest().rows == 1
    answer, act = product.rows(INTERACTIONS)[0], product.rows(FEEDBACK)[0]
    assert answer["prompt"] == [{"role": "user", "content": "Write about autumn."}]
    assert (answer["answer"], answer["segment"], answer["task"]) == ("Leaves fall on the lake.", "acme", "haiku")
    assert (act["feedback_id"], act["kind"], act["value"], act["comment"]) == ("f1", "thumbs", 1.0, "Lovely.")
    assert act["interaction_id"] == answer["interaction_id"]


def test_kinds_and_values(product: Product):
    told = {"preferred_output": "Better.", "rejected_output": "Worse."}
    product.log(
        opinion("up", "thumbs_up"),
        opinion("down", "thumbs_down"),
        opinion("stars", "rating", rating=2),
        opinion("pair", "preference", **told),
        opinion("mend", "correction", preferred_output="Better."),
        log_format="feedback_table",
    )
    product.ingest()
    rows = {row["feedback_id"]: row for row in product.rows(FEEDBACK)}
    assert {name: (row["kind"], row["value"]) for name, row in rows.items()} == {
        "up": ("thumbs", 1.0),
        "down": ("thumbs", 0.0),
        "stars": ("rating", 0.25),
        "pair": ("preference", None),
        "mend": ("correction", None),
    }
    assert (rows["pair"]["preferred"], rows["pair"]["rejected"]) == ("Better.", "Worse.")
    assert (rows["mend"]["preferred"], rows["mend"]["rejected"]) == ("Better.", None)


def test_a_comparison_keeps_its_two_answers_which_was_shown_first_and_how_long_it_took(product: Product):
    compared = {"other_interaction_id": "a2", "shown_first": "a2", "seconds": 7.5}
    product.log(
        about("a1", "pair", "preference", preferred_output="Yes.", rejected_output="No.", **compared),
        about("a1", "tie", "tie", **compared),
        about("a1", "note", "comment", comment="Both are long."),
        about("a1", "undo", "retraction", retracts="pair"),
        log_format="feedback_table",
    )
    product.ingest()
    rows = {row["feedback_id"]: row for row in product.rows(FEEDBACK)}
    assert {name: (row["kind"], row["value"], row["retracts"]) for name, row in rows.items()} == {
        "pair": ("preference", None, None),
        "tie": ("tie", None, None),
        "note": ("comment", None, None),
        "undo": ("retraction", None, "pair"),
    }
    for name in ("pair", "tie"):
        assert {field: rows[name][field] for field in compared} == compared


def test_a_rating_of_a_dimension_is_one_of_that_dimension(product: Product):
    product.log(
        opinion("f1", "rating", rating=2, dimension="accuracy"),
        opinion("f2", "thumbs_up", dimension="tone"),
        opinion("f3", "rating", rating=4, dimension=" "),
        log_format="feedback_table",
    )
    product.ingest()
    found = {row["feedback_id"]: (row["dimension"], row["value"]) for row in product.rows(FEEDBACK)}
    assert found == {"f1": ("accuracy", 0.25), "f2": ("tone", 1.0), "f3": ("overall", 0.75)}


def test_an_event_without_newer_fields_has_the_content_that_it_had_before_there_were_any(product: Product):
    product.log(opinion("f1"), opinion("f2", seconds=1), log_format="feedback_table")
    product.ingest()
    hashes = {row["feedback_id"]: row["content_sha256"] for row in product.rows(FEEDBACK)}
    assert hashes["f1"] == OLD_HASH
    assert hashes["f2"] != OLD_HASH


def test_two_raters_of_one_output_meet_in_one_answer(product: Product):
    product.log(
        opinion("f1", user_id="mary"),
        opinion("f2", "thumbs_down", user_id="john", created_at="2026-10-01T13:00:00Z"),
        opinion("f3", model_output="Another haiku."),
        opinion("f4", brand_id="other"),
        log_format="feedback_table",
    )
    product.ingest()
    answers = {row["feedback_id"]: row["interaction_id"] for row in product.rows(FEEDBACK)}
    assert answers["f1"] == answers["f2"]
    assert len(set(answers.values())) == len(product.rows(INTERACTIONS)) == 3


def test_a_row_that_names_an_answer_judges_that_one_and_is_none_itself(product: Product):
    product.log(interaction("a1"))
    product.log(about("a1", "f1"), about("unknown", "f2"), log_format="feedback_table")
    assert product.ingest().rows == 3
    assert [row["interaction_id"] for row in product.rows(INTERACTIONS)] == ["a1"]
    assert {row["interaction_id"] for row in product.rows(FEEDBACK)} == {"a1", "unknown"}


def test_numbered_rows_and_brands_are_read(product: Product):
    product.log(opinion(12, brand_id=7, user_id=42), log_format="feedback_table")
    product.ingest()
    assert product.rows(FEEDBACK)[0]["feedback_id"] == "12"
    assert product.rows(INTERACTIONS)[0]["segment"] == "7"


KINDS = "thumbs_up, thumbs_down, rating, preference, tie, correction, comment, retraction"


def test_every_fault_is_told(product: Product):
    faults = [
        (opinion(None), "missing_field", "id"),
        (opinion(created_at=None), "missing_field", "created_at"),
        (opinion(created_at="x"), "bad_timestamp", "created_at = 'x'"),
        (opinion(kind=None), "missing_field", "feedback_type"),
        (opinion(kind="applause"), "unknown_kind", f"feedback_type 'applause' is none of {KINDS}"),
        (opinion(interaction_id=1.5), "wrong_type", "interaction_id"),
        (opinion(prompt=None), "missing_field", "prompt"),
        (opinion(model_output=5), "wrong_type", "model_output"),
        (opinion(kind="rating"), "missing_field", "rating"),
        (opinion(kind="rating", rating=6), "out_of_range", "rating = 6.0 is not between 1 and 5"),
        (opinion(kind="correction"), "missing_field", "preferred_output"),
        (opinion(kind="preference", preferred_output="Better."), "missing_field", "rejected_output"),
        (opinion(comment=1), "wrong_type", "comment"),
        (opinion(brand_id=[]), "wrong_type", "brand_id"),
        (opinion(user_id=1.5), "wrong_type", "user_id"),
        (opinion(task_type=1), "wrong_type", "task_type"),
        (opinion(session_id={}), "wrong_type", "session_id"),
        (opinion(kind="comment"), "missing_field", "comment"),
        (opinion(kind="tie"), "missing_field", "interaction_id"),
        (about("a1", "t", "tie"), "missing_field", "other_interaction_id"),
        (about("a1", "t", "tie", other_interaction_id="a1"), "out_of_range", "other_interaction_id is interaction_id"),
        (about("a1", "r", retracts="f1"), "unknown_kind", "retracts is of a retraction only"),
        (opinion(shown_first=[]), "wrong_type", "shown_first"),
        (opinion(dimension=1), "wrong_type", "dimension"),
        (opinion(seconds="soon"), "wrong_type", "seconds"),
        (opinion(seconds=-1), "out_of_range", "seconds is not between 0 and 1000000000.0"),
    ]
    product.log(*(line for line, _, _ in faults), log_format="feedback_table")
    product.ingest()
    rows = sorted(product.rows(REJECTED_RECORDS), key=lambda row: row["source_line"])
    assert [(row["reason"], row["detail"]) for row in rows] == [fault[1:] for fault in faults]
