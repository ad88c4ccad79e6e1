"""What the router learns of logs, as an operator materializes it."""

import json
from collections.abc import Iterator
from math import fsum
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from rl_assets.lake.delta import Lake
from rl_assets.tables.bandit_state import BANDIT_STATE
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets_tests.support.logs import DAY, Product, Row, later, question, reward
from rl_assets_tests.support.rated_days import check, metadata
from rl_assets_tests.support.routed_logs import answered, learn_day, learned_of, materialize_state, state_of

HOW = "How do I reset the router?"
LOG: list[Row] = [
    *answered("desk", [1, 0, None, 0.5] * 10, hour=8),
    *answered("desk@tuned", [1, 1, None, 0] * 5, hour=8),
    *answered("late@new", [1] * 4, hour=12),
    *answered("desk", [0, 1], category=None, query=HOW),
    # A fallback answered: its reward is that of the arm that was assigned.
    *answered("desk", [0], assigned_arm="broken", fallback_reason="http_500", drawn=True, propensity=0.5),
    *answered("broken", [None] * 12, error_occurred=True, hour=14),
    # The caller named the arm.
    *answered("named", [1] * 3, drawn=False),
    *answered("desk", [1] * 3, hour=15, drawn=False),
    *answered("solo", [0, 0, 1], segment="acme"),
]


@pytest.fixture(scope="module")
def shared_instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture(scope="module")
def routed(
    tmp_path_factory: pytest.TempPathFactory, shared_instance: dg.DagsterInstance
) -> tuple[Product, dg.ExecuteInProcessResult]:
    """A log, and the run that learned of it."""
    product = Product.at(tmp_path_factory.mktemp("routed"))
    product.log(*LOG)
    return product, learn_day(product, shared_instance)


def test_an_answer_counts_for_the_arm_that_was_assigned_and_not_if_the_caller_named_it(routed) -> None:
    rows = state_of(routed[0])
    counts = {key: (row["answers"], row["rewarded"], row["reward_sum"]) for key, row in rows.items()}
    assert counts[None, "maths", "desk"] == (40, 30, 15.0)
    assert counts[None, "maths", "broken"] == (13, 1, 0.0)
    assert counts["acme", "maths", "solo"] == (3, 3, 1.0)
    assert not any(arm == "named" for _, _, arm in rows)


def test_a_question_without_a_category_has_that_of_its_words_and_every_arm_a_row_there(routed) -> None:
    rows = {arm: row for (segment, category, arm), row in state_of(routed[0]).items() if category == "procedural"}
    assert set(rows) == {"desk", "desk@tuned", "late@new", "broken"}
    assert [rows["desk"][name] for name in ("answers", "alpha", "beta")] == [2, 1.5, 1.5]
    assert [rows["broken"][name] for name in ("answers", "alpha", "beta", "low", "high")] == [0, 0.5, 0.5, 0, 1]


def test_counts_are_those_of_a_group_by(routed) -> None:
    rated = Lake(routed[0].lake.url).read(RATED_INTERACTIONS, [DAY])
    grouped = duckdb.connect().execute(
        "SELECT coalesce(assigned_arm, agent || coalesce('@' || adapter, '')) AS arm, count(*), count(reward), "
        "coalesce(sum(reward), 0) FROM rated WHERE coalesce(drawn, true) AND segment IS NULL AND category = 'maths' "
        "GROUP BY arm"
    )
    assert rated.count_rows() == len(LOG)
    found = {
        (arm, row["answers"], row["rewarded"], row["reward_sum"])
        for (segment, category, arm), row in state_of(routed[0]).items()
        if category == "maths" and segment is None
    }
    assert set(grouped.fetchall()) == found


def test_shares_sum_to_1_and_say_why_they_are_low(routed) -> None:
    rows = state_of(routed[0])
    for place in {key[:2] for key in rows}:
        assert fsum(row["share"] for key, row in rows.items() if key[:2] == place) == pytest.approx(1, abs=1e-12)
    assert rows["acme", "maths", "solo"]["share"] == 1
    new, failing = rows[None, "maths", "late@new"], rows[None, "maths", "broken"]
    assert (new["share"], new["limited_by"]) == (pytest.approx(0.1), "new")
    assert (failing["share"], failing["limited_by"]) == (pytest.approx(0.05 / 4), "failing")
    assert rows[None, "maths", "desk@tuned"]["limited_by"] is None


def test_the_newest_shares_are_written_with_those_of_a_category_that_nobody_knows(routed) -> None:
    product, run = routed
    learned, rows = learned_of(product), state_of(product)
    assert {segment: set(each) for segment, each in learned.shares.items()} == {
        "product": {"maths", "procedural", "*"},
        "acme": {"maths", "*"},
    }
    assert learned.shares["product"]["maths"] == {
        arm: row["share"] for (segment, category, arm), row in rows.items() if segment is None and category == "maths"
    }
    assert metadata(run, "bandit_state")["policy_version"] == learned.policy_version


def test_a_failing_arm_is_reported(routed) -> None:
    found = check(routed[1], "arms_answer")
    assert not found.passed and found.severity is dg.AssetCheckSeverity.WARN
    assert str(found.description).startswith("broken of product: more than 10 of the last 50")


def test_the_page_shows_the_leaderboard_the_best_arms_and_shares_that_plot(routed) -> None:
    shown = metadata(routed[1], "bandit_state")
    assert "`desk@tuned`" in shown["leaderboard"] and "undecided" in shown["best_arms"]
    assert shown["share of acme: solo"] == 1.0 and 0 < shown["share of desk"] < 1


def test_the_same_log_makes_the_same_bytes_again_and_keeps_the_salt(routed, shared_instance) -> None:
    product, _ = routed
    file, before = product.landing.parent / "router" / "shares.json", product.lake.published(BANDIT_STATE, DAY)
    written = file.read_bytes()
    assert materialize_state(product, shared_instance).success
    assert (file.read_bytes(), product.lake.published(BANDIT_STATE, DAY)) == (written, before)


def test_the_router_file_declares_disables_and_believes(routed, shared_instance, tmp_path: Path) -> None:
    router = tmp_path / "router.yaml"
    router.write_text(
        "arms: [desk, planned]\ndisabled: [broken]\ncategories: [poems]\n"
        "priors: {poems/desk: [10, 9], maths/planned: [4, 3.6]}\n",
        encoding="utf-8",
    )
    product, _ = routed
    assert materialize_state(product, shared_instance, router=router).success
    rows = state_of(product)
    arms = {"desk": None, "desk@tuned": None, "late@new": "undeclared", "broken": "disabled"}
    assert {arm: rows[None, "maths", arm]["limited_by"] for arm in arms} == arms
    assert all(rows[None, "poems", arm]["share"] == 0 for arm in ("late@new", "broken"))
    poems = rows[None, "poems", "desk"]
    assert (poems["prior_pulls"], poems["prior_reward"], poems["alpha"], poems["beta"]) == (10, 9, 9, 1)
    assert rows["acme", "maths", "planned"]["prior_pulls"] == 4
    # A declared arm that never answered is new where another one is known.
    assert rows[None, "maths", "planned"]["limited_by"] == "new"
    assert set(learned_of(product).shares["product"]["poems"]) == {"desk", "desk@tuned", "planned"}


def test_a_router_file_that_is_wrong_fails_the_step_with_a_sentence(routed, shared_instance, tmp_path: Path) -> None:
    router = tmp_path / "router.yaml"
    router.write_text("floor: 2\n", encoding="utf-8")
    with pytest.raises(dg.Failure, match=r"router\.yaml.*floor"):
        materialize_state(routed[0], shared_instance, router=router)


def rewarded_log(product: Product, shuffled: bool) -> None:
    """Answers of two arms with rewards from people; shuffled, the rewards land in files of a later day and again."""
    asked = [question(f"q{n}", agent=f"a{n % 2}", timestamp=f"{DAY}T10:00:{n:02}Z") for n in range(20)]
    given = [reward(f"q{n}", (n % 3) / 3, feedback_id=f"f{n}", user_id="mary") for n in range(12)]
    product.log(*(asked[::-1] if shuffled else asked), log_format="reward_log")
    if shuffled:
        product.log(*given[7:], *given[:9], log_format="reward_log", day=later(1), name="late.jsonl")
        product.log(*given[3::-1], log_format="reward_log", day=later(1), name="again.jsonl")
    else:
        product.log(*given, log_format="reward_log", name="rewards.jsonl")
    product.log(question("other", agent="a0"), log_format="reward_log", day=later(1))


@pytest.mark.slow  # Materializes eight assets.
def test_order_repeats_and_late_feedback_change_no_byte(tmp_path: Path) -> None:
    states = []
    for shuffled in (False, True):
        product = Product.at(tmp_path / str(shuffled))
        rewarded_log(product, shuffled=shuffled)
        with dg.DagsterInstance.ephemeral() as instance:
            learn_day(product, instance)
            learn_day(product, instance, later(1))
        states.append(product)
    first, second = states
    assert state_of(first, later(1)) == state_of(second, later(1))
    assert learned_of(first).shares == learned_of(second).shares


@pytest.mark.slow  # Materializes eight assets.
def test_feedback_that_is_taken_back_counts_no_more(product: Product, instance: dg.DagsterInstance) -> None:
    product.log(*answered("a", [None] * 3), *answered("b", [None] * 3))
    thumbs = {"id": "f1", "interaction_id": "a-10-0", "feedback_type": "thumbs_up", "user_id": "mary"}
    product.log({**thumbs, "created_at": f"{DAY}T12:00:00Z"}, log_format="feedback_table")
    learn_day(product, instance)
    back = {"id": "f2", "feedback_type": "retraction", "retracts": "f1", "created_at": f"{later(1)}T12:00:00Z"}
    product.log({**thumbs, **back}, log_format="feedback_table", day=later(1))
    learn_day(product, instance, later(1))
    counts = [state_of(product, day)[None, "maths", "a"]["rewarded"] for day in (DAY, later(1))]
    assert counts == [1, 0]
    # An older day that is made again leaves the shares of the newest.
    newest = (product.landing.parent / "router" / "shares.json").read_bytes()
    assert json.loads(newest)["day"] == str(later(1))
    assert materialize_state(product, instance).success
    assert (product.landing.parent / "router" / "shares.json").read_bytes() == newest
