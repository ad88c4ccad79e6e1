"""Verdicts that people gave, from the files that a product drops to the reward of each answer."""

from itertools import count
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.lake.delta import Lake
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import FEEDBACK, INTERACTIONS
from rl_assets_tests.support.logs import DAY, Product, about, interaction, judged, later, reward
from rl_assets_tests.support.rated_days import check, metadata, rate, raters, rewards

homes = count()


def product_in(folder: Path) -> Product:
    """A product with a home of its own."""
    home = folder / f"home-{next(homes)}"
    (home / "landing").mkdir(parents=True)
    return Product(home / "landing", Lake(str(home / "lake")))


def trace(*scores: dict[str, object]) -> dict[str, object]:
    """A trace of Langfuse with its scores so far."""
    turn = {"role": "user", "content": "How do I reset the router?"}
    generation = {"type": "GENERATION", "startTime": f"{DAY}T09:00:00Z", "input": [turn], "output": "Hold the button."}
    about = {"id": "t-100", "timestamp": f"{DAY}T09:00:00Z", "name": "bot", "userId": "u-7", "scores": [*scores]}
    return {"trace": about, "observations": [generation]}


def completion(**fields: object) -> dict[str, object]:
    """A stored completion without an id."""
    turns = [{"role": "user", "content": "Name a colour."}, {"role": "assistant", "content": "Blue."}]
    return {"created": 1790845200, "messages": turns, **fields}


SCORE = {"id": "sc-1", "name": "overall", "value": 1, "source": "API", "timestamp": f"{DAY}T12:00:00Z"}
EXPORTS = {
    "langfuse": [trace(), trace(SCORE)],
    "interaction_log": [interaction("i-1"), interaction("i-1", user_id="u-7", user_rating=5, user_feedback="thanks")],
    "openai_chat": [completion(), completion(feedback={"thumbs": "down", "user_id": "u-9"})],
}


@pytest.mark.parametrize("together", [pytest.param(True, marks=pytest.mark.slow), False])
def test_an_answer_exported_twice_in_a_day_keeps_the_feedback_of_every_copy(
    tmp_path: Path, instance: dg.DagsterInstance, together: bool
) -> None:
    hashes = set()
    for step in (1, -1):
        product = product_in(tmp_path)
        for log_format, lines in EXPORTS.items():
            for number, line in enumerate([lines] if together else zip(lines[::step], strict=True)):
                product.log(*line[::step], log_format=log_format, name=f"part-{number}.jsonl")
        assert rate(product, instance).success
        events = sorted((row["kind"], row["value"]) for row in product.rows(FEEDBACK) if row["value"] is not None)
        assert events == [("rating", 1.0), ("reward", 1.0), ("thumbs", 0.0)]
        assert [row["comment"] for row in product.rows(FEEDBACK) if row["kind"] == "comment"] == ["thanks"]
        assert sorted(value for value in rewards(product).values() if value is not None) == [0.0, 1.0, 1.0]
        tables = [product.lake.published(table, DAY).sha256 for table in (INTERACTIONS, FEEDBACK, RATED_INTERACTIONS)]
        hashes.add(tuple(tables))
    assert len(hashes) == 1


@pytest.mark.slow  # Builds days for seconds.
def test_every_line_of_repeated_answers_is_accounted_for(product: Product, instance: dg.DagsterInstance) -> None:
    for log_format, lines in EXPORTS.items():
        product.log(*lines, log_format=log_format)
    result = rate(product, instance)
    assert check(result, "every_line_is_counted").passed
    assert product.ingest().duplicates == 3


CHANGES = {
    "timeless": [reward("A", 0.0, user_id="u", timestamp=None), reward("A", 1.0, user_id="u", timestamp=None)],
    "timeless, downwards": [
        reward("B", 1.0, user_id="u", timestamp=None),
        reward("B", 0.0, user_id="u", timestamp=None),
    ],
    "later": [reward("C", 1.0, user_id="u", timestamp=f"{DAY}T12:00:00Z"), reward("C", 0.0, user_id="u")],
    "anonymous": [reward("D", 0.0), reward("D", 1.0, timestamp=f"{DAY}T12:00:00Z")],
    "at one time": [reward("E", 0.0, user_id="u"), reward("E", 1.0, user_id="u")],
    "back again": [reward("F", value, user_id="u") for value in (0.0, 1.0, 0.0)],
}


@pytest.mark.slow  # Builds days for seconds.
def test_of_the_verdicts_of_one_rater_the_last_of_the_log_counts(
    product: Product, instance: dg.DagsterInstance
) -> None:
    product.log(*map(interaction, "ABCDEF"))
    product.log(*(line for lines in CHANGES.values() for line in lines), log_format="reward_log")
    shown = metadata(rate(product, instance), RATED_INTERACTIONS.name)
    assert rewards(product) == {"A": 1.0, "B": 0.0, "C": 1.0, "D": 1.0, "E": 1.0, "F": 0.0}
    assert raters(product) == {1}
    assert shown["changed_verdicts"] == 6


@pytest.mark.slow  # Several seconds of CPU.
def test_a_verdict_that_changes_without_a_time_is_the_later_line_every_time(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    product = product_in(tmp_path)
    product.log(*(interaction(f"i{number}") for number in range(40)))
    lines = [reward(f"i{number}", value, user_id="u", timestamp=None) for number in range(40) for value in (0.0, 1.0)]
    product.log(*lines, log_format="reward_log")
    rate(product, instance)
    assert [*rewards(product).values()] == [1.0] * 40
    product.log(*lines[::-1], log_format="reward_log")
    before = product.lake.published(FEEDBACK, DAY).sha256
    rate(product, instance)
    assert [*rewards(product).values()] == [0.0] * 40
    assert product.lake.published(FEEDBACK, DAY).sha256 != before


@pytest.mark.slow  # Several seconds of CPU.
def test_what_lands_again_on_a_later_day_counts_from_that_day_on(
    product: Product, instance: dg.DagsterInstance
) -> None:
    stars = [[interaction(f"i{number}", user_rating=stars, user_id="u") for number in range(3)] for stars in (2, 5)]
    answers = [interaction("a1"), interaction("a2"), judged("a3", 0.4), interaction("a4", answer="Before.")]
    again = [judged("a1", 0.9), interaction("a2"), judged("a3", 0.6), judged("a4", 1.0, answer="After.")]
    for day, thumb, taken, lines in ((DAY, "up", "up", answers), (later(1), "down", "none", again)):
        product.log(*stars[day > DAY], *lines, day=day)
        product.log(completion(id="c", feedback={"thumbs": taken}), log_format="openai_chat", day=day)
        product.log(about("f", "f1", f"thumbs_{thumb}"), log_format="feedback_table", day=day)
    product.log(interaction("f"), interaction("t"), name="f.jsonl")
    # An overall score of a later day takes over from another name, and leaves earlier days.
    product.log(reward("t", 0.1, dimension="tone", user_id="u"), log_format="reward_log")
    product.log(reward("t", 1.0, user_id="v"), log_format="reward_log", day=later(1))
    before = dict.fromkeys(("i0", "i1", "i2"), 0.25) | {"a1": None, "a2": None, "a3": 0.4, "a4": None}
    after = dict.fromkeys(("i0", "i1", "i2"), 1.0) | {"a1": 0.9, "a2": None, "a3": 0.6, "a4": None}

    rate(product, instance)
    first = product.lake.published(RATED_INTERACTIONS, DAY).sha256
    assert rewards(product) == before | {"c": 1.0, "f": 1.0, "t": 0.1}
    shown = metadata(rate(product, instance, later(1)), RATED_INTERACTIONS.name)
    assert rewards(product, later(1)) == after | {"c": None, "f": 0.0, "t": 1.0}, "a4 is another text"
    assert raters(product, later(1)) == {1}
    assert (shown["changed_verdicts"], shown["withdrawn_verdicts"]) == (4, 1)
    rate(product, instance)
    assert product.lake.published(RATED_INTERACTIONS, DAY).sha256 == first


@pytest.mark.slow  # Several seconds of CPU.
def test_withdrawn_verdicts_leave_no_reward_and_bad_ones_with_a_better_text_are_corrections_too(
    product: Product, instance: dg.DagsterInstance
) -> None:
    product.log(*map(interaction, "abcdABC"))
    product.log(
        about("a", "f1", preferred_output="Better."),
        about("b", "f9"),
        about("c", "f10"),
        about("A", "f11", "thumbs_down", preferred_output="The better words."),
        about("B", "f12", "rating", rating=2, preferred_output="Better still."),
        about("C", "f13", "thumbs_down", preferred_output=" "),
        log_format="feedback_table",
        name="a.jsonl",
    )
    same_id = about("a", "f1", "none", user_id=None)
    same_rater = about("c", "f20", "retraction", created_at=f"{DAY}T13:00:00Z")
    product.log(same_id, same_rater, log_format="feedback_table", name="b.jsonl")
    product.log(
        reward("d", 1.0, user_id="u"),
        reward("d", 0.5, user_id="v"),
        {"type": "retraction", "interaction_id": "d", "user_id": "u", "timestamp": f"{DAY}T12:00:00Z"},
        log_format="reward_log",
    )
    result = rate(product, instance)
    assert rewards(product) == {"a": None, "b": 1.0, "c": None, "d": 0.5, "A": 0.0, "B": 0.25, "C": 0.0}
    assert check(result, "every_line_is_counted").passed
    corrections = {
        row["interaction_id"]: row["preferred"] for row in product.rows(FEEDBACK) if row["kind"] == "correction"
    }
    assert corrections == {"A": "The better words.", "B": "Better still."}


TEN_STARS = {
    "feedback_table": ("rating", lambda stars: about(f"f{stars}", f"e{stars}", "rating", rating=stars)),
    "interaction_log": ("user_rating", lambda stars: interaction(f"i{stars}", user_rating=stars)),
    "openai_chat": ("feedback.rating", lambda stars: completion(id=f"o{stars}", feedback={"rating": stars})),
}


@pytest.mark.slow  # Several seconds of CPU.
def test_stars_have_the_scale_that_is_declared_and_warn_if_they_leave_it(
    product: Product, instance: dg.DagsterInstance
) -> None:
    product.log(*(interaction(f"f{stars}") for stars in range(11)), name="rated-later.jsonl")
    for log_format, (_, line) in TEN_STARS.items():
        product.log(*map(line, range(11)), log_format=log_format)
    fields = [field for field, _ in TEN_STARS.values()]
    warned = check(rate(product, instance), "ratings_fit_their_scale")
    assert not warned.passed
    for field in fields:
        assert f"6 of the field `{field}` are not between 1 and 5 (they go from 0 to 10)" in str(warned.description)

    result = rate(product, instance, metrics={field: {"worst": 0, "best": 10} for field in fields})
    assert check(result, "ratings_fit_their_scale").passed
    assert rewards(product) == {f"{name}{stars}": stars / 10 for name in "fio" for stars in range(11)}


@pytest.mark.slow  # Builds days for seconds.
def test_ids_in_another_form_match_and_others_that_come_near_are_counted(
    product: Product, instance: dg.DagsterInstance
) -> None:
    guid = "6F9619FF-8B86-D011-B42D-00C04FC964FF"
    product.log(*map(interaction, (guid, "1001", "00042", "Ab-7")))
    product.log(
        about(guid.lower(), "f1", user_id="u"),
        about("{" + guid + "}", "f2", "thumbs_down", user_id="v"),
        '{"id": "f3", "interaction_id": 1001.0, "feedback_type": "thumbs_up", "created_at": "2026-10-01T11:00:00Z"}',
        about("42", "f4"),
        about("ab-7", "f5"),
        about("never-landed", "f6"),
        log_format="feedback_table",
    )
    result = rate(product, instance)
    assert rewards(product) == {guid: 0.5, "1001": 1.0, "00042": None, "Ab-7": None}
    shown = metadata(result, RATED_INTERACTIONS.name)
    assert (shown["feedback_without_answer"], shown["near_ids"]) == (3, 2)
    warned = check(result, "feedback_has_answers")
    assert not warned.passed
    assert "42, ab-7, never-landed" in str(warned.description)
