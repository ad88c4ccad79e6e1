"""Prompt keys, and user ids that never lie in the lake as they were."""

import hmac

import pytest

from rl_assets.core.home import Home
from rl_assets.core.identity import key_text, prompt_key, user_hash_key
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES, INTERACTIONS
from rl_assets_tests.support.logs import USER_KEY, Product, interaction, opinion, reward


def key_of(product: Product, **fields) -> str:
    product.log(interaction(**fields))
    product.ingest()
    return product.rows(INTERACTIONS)[0]["prompt_key"]


@pytest.mark.parametrize(
    "text",
    [
        "where is my order",
        "WHERE is my ORDER?!",
        "  where\tis \n my  order ... ",
        "ｗhere is my order？",
        "where is my order”.",
    ],
)
def test_prompts_that_differ_in_case_spaces_and_final_punctuation_are_one(text):
    assert key_text(text) == "where is my order"


@pytest.mark.parametrize(
    "text", ["where is my order 2", "is my order where", "where is my orders", "where, is my order"]
)
def test_other_prompts_are_others(text):
    assert key_text(text) != "where is my order"


def test_final_signs_that_carry_meaning_stay():
    assert len({key_text(f"How do I compile {language}?") for language in ("C", "C++", "C#")}) == 3


def test_folding_is_that_of_unicode():
    assert key_text("STRASSE") == key_text("Straße") == "strasse"
    assert key_text("é") == key_text("e\u0301") == key_text("É")


def test_a_key_depends_on_every_turn_the_task_and_the_context():
    keys = {
        prompt_key(["user"], ["hi"], None, None),
        prompt_key(["system"], ["hi"], None, None),
        prompt_key(["system", "user"], ["be brief", "hi"], None, None),
        prompt_key(["user", "user"], ["hi", ""], None, None),
        prompt_key(["user"], ["hi"], "greeting", None),
        prompt_key(["user"], ["hi"], None, "greeting"),
    }
    assert len(keys) == 6


def test_a_prompt_has_the_same_key_alone_and_in_a_conversation_without_turns(product: Product):
    assert key_of(product, query="Hi!") == prompt_key(["user"], ["hi"], None, None)
    turns = [{"role": "user", "content": "A"}, {"role": "assistant", "content": "B"}]
    assert key_of(product, query="Hi!", messages=turns, task="t", context="C") == prompt_key(
        ["user", "assistant", "user"], ["a", "b", "hi"], "t", "C"
    )


def test_user_ids_are_stored_as_keyed_hashes_and_in_no_column_as_they_were(product: Product):
    product.log(interaction("a1", user_id="mary-secret", user_rating=4, user_feedback="Nice."))
    product.log(reward("a1", user_id="mary-secret"), log_format="reward_log")
    product.log(opinion(user_id="mary-secret"), log_format="feedback_table")
    product.ingest()
    rows = [row for table in (INTERACTIONS, FEEDBACK, INGESTED_FILES) for row in product.rows(table)]
    assert len(rows) == 9
    assert all("mary-secret" not in str(value) for row in rows for value in row.values())
    expected = hmac.new(USER_KEY, b"mary-secret", "sha256").hexdigest()
    assert {row["rater"] for row in product.rows(FEEDBACK)} == {expected}
    assert expected in {row["user_id"] for row in product.rows(INTERACTIONS)}


def test_a_missing_user_stays_missing(product: Product):
    product.log(interaction("a1", user_rating=4))
    product.ingest()
    assert product.rows(INTERACTIONS)[0]["user_id"] is None
    assert product.rows(FEEDBACK)[0]["rater"] is None


def test_a_secret_that_is_given_is_the_key(home):
    assert user_hash_key("a secret of the product", Home(home)) == b"a secret of the product"
    assert not (home / "user_hash.key").exists()


def test_a_key_is_made_once_for_its_owner_only(tmp_path):
    home = Home(tmp_path / "new home")
    key, path = user_hash_key(None, home), home.user_hash_key
    assert len(key) == 64
    assert user_hash_key(None, home) == key == path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["user_hash.key"]
    assert user_hash_key(None, Home(tmp_path / "other home")) != key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Today is 2026-09-10, 10:03:22 UTC.", "Today is 2026-09-11, 11:13:20 UTC."),
        ("Now: 2026-09-10T10:03:22.123Z", "Now: 2026-10-01T01:00:00+02:00"),
        ("It is Friday, 11 September 2026, 9:05 am.", "It is Monday, 14 September 2026, 10:15 PM."),
        ("Date: September 3rd, 2026", "Date: Oct 12, 2026"),
        ("Datum: 03.09.2026 14:00", "Datum: 4.10.2026 09:30"),
        ("Call 1789000000.", "Call 1789000512345."),
        ("Id 0b0e7cb5-5d6b-4f3f-9d0c-0d4a4b1c7a11", "Id 1b0e7cb5-5d6b-4f3f-9d0c-0d4a4b1c7a12"),
    ],
)
def test_what_changes_with_every_call_in_a_system_turn_makes_no_other_prompt(one, other):
    turns = ["system", "user"]
    keys = {prompt_key(turns, [text, "Where is my order?"], None, None) for text in (one, other)}
    assert len(keys) == 1
    assert len({prompt_key(turns, [text, "Hi"], None, None, volatile=()) for text in (one, other)}) == 2
    assert len({prompt_key(["user"], [text], None, None) for text in (one, other)}) == 2


def test_system_turns_that_say_different_things_make_different_prompts():
    systems = ["You are a helpful desk.", "You are a rude desk.", "Answer in 3 words.", "Answer in 4 words."]
    assert len({prompt_key(["system", "user"], [text, "Hi"], None, None) for text in systems}) == 4
