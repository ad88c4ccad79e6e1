"""The people of the loop at real doors: a gateway, and a feedback service with its pages and lake."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rl_assets.core.home import Home
from rl_assets.models.tiny.parts_manual import SEGMENT, answer_text, questions
from rl_assets.quickstart.loop.account import (
    count_answers,
    count_comparisons,
    count_feedback,
    count_rewards,
    rejected_lines,
)
from rl_assets.quickstart.loop.processes import ProgramError, free_port, run_module, running
from rl_assets.quickstart.loop.raters import let_rater_compare
from rl_assets.quickstart.loop.users import Doors, let_users_ask
from rl_assets.quickstart.sources.parts import SEED
from rl_assets.service.app import app_of
from rl_assets.service.landing import land
from rl_assets.settings import Settings
from rl_assets_tests.support.feedback_pages import deploy
from rl_assets_tests.support.gateways import BASE_ARM, CHAMPION_ARM, arm, gateway, routing
from rl_assets_tests.support.logs import USER_KEY, Product
from rl_assets_tests.support.model_server import Asked, app_server, completion, model_server

pytestmark = pytest.mark.slow
KNOWN = {question.text: question for question in questions(SEED)}


def parts_desk(asked: Asked):
    """The champion knows the manual; the base chats."""
    question = KNOWN[asked.body["messages"][-1]["content"]]
    right = answer_text(question.value, question.image)
    return completion("It is what it is." if asked.body["model"] == "base" else right)


def test_every_call_and_verdict_of_the_loop_is_in_the_lake_once(tmp_path: Path):
    today = datetime.now(UTC).date()
    product, home, deployment = Product.at(tmp_path), Home(tmp_path), deploy(tmp_path)
    store, settings = deployment.service.store, Settings(home=tmp_path, user_hash_key=USER_KEY.decode())
    deployment.clock.now = datetime.now(UTC)
    with (
        model_server(parts_desk) as model,
        gateway(home) as door,
        app_server(app_of(deployment.service)) as service,
    ):
        arms = {CHAMPION_ARM: arm(model.url), BASE_ARM: arm(model.url, "base", None)}
        door.route(routing(arms, {CHAMPION_ARM: 0.5, BASE_ARM: 0.5}))
        doors = Doors(door.url, service, store.add_key("users", ["log"]))
        # A browser of an earlier test may have left an event loop running in this thread.
        with ThreadPoolExecutor(1) as thread:
            traffic = thread.submit(let_users_ask, doors, 60, "a-run", print).result()
        door.lines()
        land(store, home)
        product.ingest(today)
        product.rated(today)
        compared = let_rater_compare(f"{service}/join/{store.add_invite('ann', SEGMENT)}", 5)
    land(store, home)
    product.ingest(today)

    lake = product.lake
    assert traffic.failed_calls == 0 and set(traffic.answers.values()) == {CHAMPION_ARM, BASE_ARM}
    assert (len(traffic.answers), traffic.right) == (120, [*traffic.answers.values()].count(CHAMPION_ARM))
    assert compared.decided > 0
    counts = [
        count_answers(lake, [today], traffic.answers),
        count_feedback(lake, [today], traffic.by_gateway),
        count_rewards(lake, [today], traffic.by_service),
        count_comparisons(settings, lake, [today], {"ann": compared.total}),
    ]
    assert [count.acknowledged for count in counts] == [120, 60, 60, compared.total]
    assert all(count.balances for count in counts), counts
    assert not count_answers(lake, [today], [*traffic.answers, "never-landed"]).balances
    assert rejected_lines(lake, [today]) == 0


def test_a_program_that_does_not_start_is_named_with_what_it_wrote(tmp_path: Path):
    settings = {"RL_ASSETS_HOME": str(tmp_path), "RL_ASSETS_SEGMENTZ": "x"}
    health, log = f"http://127.0.0.1:{free_port()}/health", tmp_path / "gateway.log"
    with (
        pytest.raises(ProgramError, match=r"(?s)ended with code 1.*did you mean RL_ASSETS_SEGMENTS"),
        running("rl_assets.serving.gateway", [], health, log, settings),
    ):
        raise AssertionError("it started")
    with pytest.raises(ProgramError, match="did you mean RL_ASSETS_SEGMENTS"):
        run_module("rl_assets.service", ["keys", "list"], settings)
