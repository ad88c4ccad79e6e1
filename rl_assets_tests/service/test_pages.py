"""The pages by HTTP, as a browser without JavaScript sends their forms."""

import re
from pathlib import Path

import pytest

from rl_assets_tests.support.feedback_pages import (
    SAME_ORIGIN,
    Deployment,
    answers,
    deploy,
    form_token,
    rated_home,
    rivals,
)

AGENTS = ("zarquon_v1", "vogon_v2", "deep_thought")


@pytest.fixture(scope="module")
def rated(tmp_path_factory) -> Path:
    """A home with answers of two brands, and two answers to one question."""
    return rated_home(
        tmp_path_factory.mktemp("rated"),
        *answers("a1", "a2", "a3", agent_type="deep_thought"),
        *answers("b1", brand="bolt", task=None),
        *rivals("How long does delivery take?"),
    )


@pytest.fixture
def deployment(home, rated) -> Deployment:
    return deploy(home, rated)


@pytest.fixture
def ann(deployment):
    with deployment.person("ann") as person:
        yield person


def statements(deployment: Deployment, rater: str = "ann") -> list[tuple]:
    """What stands of a rater, oldest first."""
    kept = reversed(deployment.kept(rater))
    return [
        (act["kind"], act.get("dimension"), act.get("value", act.get("preferred", act.get("comment")))) for act in kept
    ]


def test_the_start_page_says_what_is_left_of_each_brand_and_task(ann):
    text = ann.text("main")
    assert "0 done, 7 left" in text
    assert "acme support 0 done by you Rate (5 left)" in text and "Compare (1 left)" in text
    assert "bolt All answers 0 done by you Rate (1 left)" in text and "Nothing to compare" in text


def test_an_answer_is_rated_with_thumbs_stars_a_comment_and_a_better_text(deployment, ann):
    ann.open("/rate?brand=acme")
    sent = {
        "thumbs": "down",
        "stars-1": "2",
        "comment": "The price is old. 😀",
        "correction": "It costs 4 euros.\r\nNet.",
    }
    response = ann.send("#rating", **sent)
    assert response.status_code == 200 and "Saved." in ann.text("#status")
    assert statements(deployment) == [
        ("thumbs", "overall", 0.0),
        ("rating", "accuracy", 2.0),
        ("correction", None, "It costs 4 euros.\nNet."),
        ("comment", None, "The price is old. 😀"),
    ]
    assert "1 done, 4 left" in ann.text(".progress")


def test_an_answer_that_is_left_as_it_was_is_no_correction(deployment, ann):
    ann.open("/rate")
    ann.send("#rating", **{"stars-0": "5"})
    assert statements(deployment) == [("rating", "overall", 5.0)]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Nothing is chosen yet"),
        ({"thumbs": "up", "stars-0": "1"}, "Thumbs up and 1 of 5 stars overall do not fit"),
        ({"stars-1": "6"}, "Give accuracy 1 to 5 stars"),
        ({"correction": "\u200b", "comment": "\ufeff"}, "Nothing is chosen yet"),
        ({"comment": "None"}, "Nothing is chosen yet"),
        ({"comment": "x" * 10_001}, "shorten it to 10,000"),
        ({"comment": "a\x00b"}, "leave out the character NUL"),
    ],
)
def test_a_form_with_a_mistake_comes_back_as_it_was_typed(deployment, ann, fields, sentence):
    ann.open("/rate")
    is_empty = sentence.startswith("Nothing")
    response = ann.send("#rating", **fields if is_empty else {"correction": "A better one.", **fields})
    assert response.status_code == 422
    assert sentence in ann.text("[role=alert]")
    if not is_empty:
        assert ann.filled("#rating")[1]["correction"] == "A better one."
    assert statements(deployment) == []


def test_a_form_is_read_in_the_one_way_that_the_pages_send_it(deployment, ann):
    ann.open("/rate")
    path, fields = ann.filled("#rating")
    # The name of an encoding by which a megabyte takes minutes to read.
    kind = {"Content-Type": "multipart/form-data; boundary=x; charset=punycode"}
    assert ann.client.post(path, content=b"--x--", headers={**SAME_ORIGIN, **kind}).status_code == 415
    many = {str(number): "" for number in range(201)}
    assert ann.post(path, {**fields, "thumbs": "up", **many}).status_code == 422
    assert statements(deployment) == []


def test_a_form_that_is_sent_twice_is_one_act(deployment, ann):
    ann.open("/rate")
    path, fields = ann.filled("#rating")
    for _ in range(3):
        deployment.clock.advance(seconds=1)
        assert ann.post(path, {**fields, "thumbs": "up"}).status_code == 200
    assert statements(deployment) == [("thumbs", "overall", 1.0)]


def test_a_form_from_the_back_button_that_says_something_else_is_a_change_that_is_asked_about(deployment, ann):
    ann.open("/rate")
    path, fields = ann.filled("#rating")
    ann.post(path, {**fields, "thumbs": "up"})
    response = ann.post(path, {**fields, "thumbs": "down", "comment": "Wrong after all."})
    assert response.status_code == 409 and "Send once more to change it" in ann.text("[role=alert]")
    assert statements(deployment) == [("thumbs", "overall", 1.0)]
    assert ann.send("#rating").status_code == 200
    assert statements(deployment) == [("thumbs", "overall", 0.0), ("comment", None, "Wrong after all.")]


def test_an_undone_act_is_taken_back_once_and_its_answer_comes_again(deployment, ann):
    ann.open("/rate")
    shown = ann.text(".answer")
    ann.send("#rating", **{"thumbs": "up", "stars-2": "3"})
    path, fields = ann.filled(".status form")
    for _ in range(2):
        ann.post(path, fields)
    assert statements(deployment) == []
    with deployment.service.store.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT kind, retracts FROM acts").fetchall()
    assert sorted(kind for kind, _ in rows) == ["rating", "retraction", "retraction", "thumbs"]
    ann.open("/rate")
    assert ann.text(".answer") == shown


def test_what_was_taken_back_is_not_said_again_by_an_old_form(deployment, ann):
    ann.open("/rate")
    path, fields = ann.filled("#rating")
    ann.post(path, {**fields, "thumbs": "up"})
    ann.post(*ann.filled(".status form"))
    assert ann.post(path, {**fields, "thumbs": "up"}).status_code == 409
    assert "You took this back" in ann.text("[role=alert]") and statements(deployment) == []
    ann.send("#rating")
    assert statements(deployment) == [("thumbs", "overall", 1.0)]


def test_a_rating_is_changed_on_the_page_of_what_one_said(deployment, ann):
    ann.open("/rate")
    ann.send("#rating", **{"stars-0": "2", "comment": "Dull."})
    ann.open("/mine")
    assert "2 of 5 stars" in ann.text("article")
    ann.open(ann.page.css_first("article a").attributes["href"])
    assert ann.filled("#rating")[1]["comment"] == "Dull." and ann.filled("#rating")[1]["stars-0"] == "2"
    ann.send("#rating", **{"stars-0": "4", "comment": ""})
    assert "Your change is saved" in ann.text("#status")
    assert statements(deployment) == [("rating", "overall", 4.0)]


def test_a_skipped_answer_is_not_shown_again_and_the_reason_is_kept(deployment, ann):
    ann.open("/rate")
    shown = ann.text(".answer")
    ann.send("main form[action='/rate/skip']", reason="harmful")
    assert "Skipped." in ann.text("#status") and ann.text(".answer") != shown
    assert statements(deployment) == [("skip", None, "Harmful or private content")]


@pytest.mark.parametrize("choice", ["a", "b"])
def test_a_preference_names_both_answers_both_texts_and_which_was_shown_first(deployment, ann, choice):
    ann.open("/compare")
    sides = [section.css_first(".text").text() for section in ann.page.css(".sides section")]
    ann.send("form.main-form", choice=choice, comment="Clear.")
    (act,) = deployment.kept("ann")
    texts = {
        "It takes two days.": "How long does delivery take?-0",
        "No idea, call us.": "How long does delivery take?-1",
    }
    chosen, other = sides if choice == "a" else reversed(sides)
    assert (act["preferred"], act["rejected"], act["comment"]) == (chosen, other, "Clear.")
    assert act["shown_first"] == texts[sides[0]]
    assert {act["interaction_id"], act["other_interaction_id"]} == set(texts.values())


@pytest.mark.parametrize(("choice", "comment"), [("tie", None), ("both_bad", "both bad")])
def test_without_a_winner_it_is_a_tie_and_makes_no_pair(deployment, ann, choice, comment):
    ann.open("/compare")
    ann.send("form.main-form", choice=choice)
    (act,) = deployment.kept("ann")
    assert act["kind"] == "tie" and act.get("comment") == comment and "preferred" not in act
    assert "All done" in ann.text("main")


def test_the_sides_of_a_pair_are_the_same_on_every_reload(deployment, ann):
    shown = {ann.open("/compare") and ann.text(".sides section:first-child .text") for _ in range(3)}
    assert len(shown) == 1


def test_neither_page_form_nor_address_names_agent_model_or_reward(deployment, ann):
    pages = [ann.open(path) for path in ("/", "/rate", "/compare", "/mine")]
    ann.open("/rate")
    pages.append(ann.send("#rating", **{"stars-0": "3"}))
    pages.append(ann.open("/mine"))
    for page in pages:
        seen = f"{page.text} {page.url} {page.headers}".lower()
        assert not [word for word in (*AGENTS, "agent", "adapter", "reward", "propensity") if word in seen]
        assert not re.search(r"delivery take\?-\d", seen), "an id of the log tells who answered"


def test_a_rater_of_one_brand_sees_and_sends_nothing_of_another(deployment, ann):
    ann.open("/rate?brand=acme")
    foreign = form_token(ann.last.text)
    with deployment.person("bob", "bolt") as bob:
        assert "acme" not in bob.text("main")
        bob.open("/rate?brand=acme")
        assert "All done" in bob.text("main")
        assert bob.post("/rate", {"token": foreign, "thumbs": "up"}).status_code == 404
        assert bob.post("/rate/skip", {"token": foreign}).status_code == 404
        assert bob.post("/undo", {"token": foreign}).status_code == 404
    assert statements(deployment, "bob") == []


def test_a_token_that_was_made_before_the_brand_changed_is_of_no_use_after(deployment):
    with deployment.person("cy") as cy:
        cy.open("/rate?brand=acme")
        path, fields = cy.filled("#rating")
        deployment.service.store.add_invite("cy", "bolt")
        assert cy.post(path, {**fields, "thumbs": "up"}).status_code == 404
    assert statements(deployment, "cy") == []


@pytest.mark.parametrize("token", ["", "x", "a" * 24 + "." + "b" * 32 + ".0000ffff." + "c" * 32, "../x"])
def test_a_token_that_nobody_signed_is_refused(deployment, ann, token):
    assert ann.post("/rate", {"token": token, "thumbs": "up"}).status_code == 404
    assert statements(deployment) == []


def test_two_raters_are_not_given_the_same_answer_until_the_lease_ends(deployment, ann):
    with deployment.person("bob") as bob:
        ann.open("/rate?brand=bolt")
        bob.open("/rate?brand=bolt")
        assert "Part b1" in ann.text(".answer") and "Others are looking" in bob.text("main")
        deployment.clock.advance(minutes=11)
        bob.open("/rate?brand=bolt")
        assert "Part b1" in bob.text(".answer")


def test_a_session_that_ended_returns_what_was_typed_and_sends_it_after_a_new_one(deployment, ann):
    ann.open("/rate")
    path, fields = ann.filled("#rating")
    deployment.clock.advance(hours=13)
    response = ann.post(path, {**fields, "comment": "Long & thoughtful <b>", "thumbs": "down"})
    assert response.status_code == 401 and "Your session has ended" in ann.text("h1")
    assert ann.page.css_first("textarea[name=comment]").text().strip() == "Long & thoughtful <b>"
    secret = deployment.service.store.add_invite("ann")
    kept = ann.filled("main form")
    ann.open(f"/join/{secret}")
    ann.send("main form")
    ann.post(*kept)
    assert ("comment", None, "Long & thoughtful <b>") in statements(deployment)


def test_an_answer_that_is_gone_meanwhile_is_a_sentence_and_the_next_one(home, deployment, ann):
    ann.open("/rate?brand=bolt")
    kept = ann.filled("#rating")
    emptied = deploy(home)
    with emptied.person("ann") as later:
        later.post(kept[0], {**kept[1], "thumbs": "up"})
        assert "no longer here" in later.text("#status")
    assert statements(deployment) == []


def test_text_of_a_log_is_text(home):
    hostile = "<script>alert(1)</script> [a](javascript:x) **b** http://evil.example \u202egnp.exe"
    deployment = deploy(home, rated_home(home, *answers("x1", query=hostile, answer=hostile, context=hostile)))
    with deployment.person("ann") as ann:
        page = ann.open("/rate")
        assert page.text.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 4
        assert "\u202e" not in page.text and "<b>" not in page.text
        assert not [link for link in ann.page.css("main a") if "evil" in (link.attributes.get("href") or "")]
        assert [script.attributes.get("src", "").split("?")[0] for script in ann.page.css("script")] == [
            "/static/keys.js"
        ]


def test_an_invitation_that_expired_was_revoked_or_never_was_says_what_to_do(deployment, ann):
    store = deployment.service.store
    secret = store.add_invite("dan", days=1)
    ann.client.cookies.clear()
    for path in (f"/join/{secret}x", "/join/none"):
        assert ann.open(path).status_code == 404 and "Ask for a new one" in ann.text("main")
    deployment.clock.advance(days=2)
    assert ann.open(f"/join/{secret}").status_code == 404
    assert ann.post(f"/join/{secret}", {}).status_code == 404
    assert ann.open("/rate").status_code == 401


def test_opening_an_invitation_signs_nobody_in(deployment, ann):
    secret = deployment.service.store.add_invite("dan", "acme")
    ann.client.cookies.clear()
    ann.open(f"/join/{secret}")
    assert "Welcome, dan" in ann.text("h1") and "acme" in ann.text("main")
    (used,) = [invite.used_at for invite in deployment.service.store.invites() if invite.rater == "dan"]
    assert not ann.client.cookies and used is None


def test_a_pair_whose_texts_no_act_can_hold_is_passed_over(home):
    first, second = rivals("How long?")
    deployment = deploy(rated_home(home, first, {**second, "answer": "It takes a day. " * 13_000}))
    with deployment.person("ann") as ann:
        ann.open("/compare")
        assert "seen all there is" in ann.text("main") or "Others are looking" in ann.text("main")
        assert ann.open("/rate").status_code == 200 and len(ann.page.css("#rating")) == 1


def test_a_service_without_answers_says_what_to_do(home):
    with deploy(home).person("ann") as ann:
        assert "There is nothing to rate yet" in ann.text("main")
        assert "All done" in (ann.open("/rate") and ann.text("main"))


def test_static_files_are_kept_by_browsers_and_nothing_else_is_given(ann):
    (style,) = [link.attributes["href"] for link in ann.page.css("link[rel=stylesheet]")]
    assert "immutable" in ann.open(style).headers["cache-control"]
    for name in ("pages.py", "..%2Fpages.py", "none.css"):
        assert ann.open(f"/static/{name}").status_code == 404
