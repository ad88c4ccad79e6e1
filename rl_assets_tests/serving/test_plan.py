"""What is to be served, from the files of champions, decisions and the deployment."""

import shutil

import pytest

from rl_assets.core.files import write_json
from rl_assets.core.home import Home
from rl_assets.evaluation.promotion.champion import roll_back
from rl_assets.serving.config import Endpoint, ServingFile
from rl_assets.serving.names import content_name
from rl_assets.serving.plan import plan_of_home
from rl_assets.serving.roles import read_roles
from rl_assets.serving.routing import Routing
from rl_assets_tests.support.served_homes import decide, make_champion, write_adapter

SERVING = ServingFile()


@pytest.fixture
def paths(tmp_path) -> Home:
    return Home(tmp_path)


def arms_of(plan) -> dict[str, str]:
    return {arm.role: name for name, arm in plan.arms.items()}


def test_without_a_champion_the_base_gets_all_and_the_plan_says_so(paths):
    plan = plan_of_home(paths, SERVING)
    assert plan.shares == {"product": {"*": {"assistant@base": 1.0}}}
    assert plan.notes == ("product has no champion: the base gets its share.",)
    assert plan.adapters == {"local": {}}


def test_the_champion_gets_all_traffic_and_the_one_before_it_stays_loaded(paths):
    old, new = write_adapter(paths, "old"), write_adapter(paths, "new")
    make_champion(paths, new, old)
    plan = plan_of_home(paths, SERVING)
    names = [content_name(adapter, None) for adapter in (new, old)]
    assert plan.shares == {"product": {"*": {f"assistant@{names[0]}": 1.0}}}
    assert set(plan.adapters["local"]) == set(names)
    assert arms_of(plan)["previous"] == f"assistant@{names[1]}"


def test_sglang_is_asked_for_an_adapter_by_base_and_name(paths):
    champion = write_adapter(paths, "new")
    make_champion(paths, champion)
    endpoint = Endpoint(driver="sglang", urls=["http://127.0.0.1:30000"])
    plan = plan_of_home(paths, ServingFile(endpoints={"local": endpoint}))
    arms, name = arms_of(plan), content_name(champion, None)
    assert (plan.arms[arms["champion"]].model, plan.arms[arms["champion"]].adapter) == (f"base:{name}", name)
    assert plan.arms[arms["base"]].model == "base"


def test_a_canary_gets_the_cap_and_the_champion_the_rest(paths):
    champion, canary = write_adapter(paths, "champion"), write_adapter(paths, "canary")
    make_champion(paths, champion, day="2026-10-10")
    decide(paths, canary, "CANARY", "2026-10-12")
    plan = plan_of_home(paths, SERVING)
    roles = arms_of(plan)
    assert plan.shares["product"]["*"] == {roles["champion"]: 0.9, roles["canary"]: 0.1}
    assert plan.arms[roles["canary"]].fallback == [roles["champion"], roles["base"]]
    assert plan.arms[roles["champion"]].fallback == [roles["base"]]


@pytest.mark.parametrize(
    ("later", "served"),
    [("HOLD", True), ("INSUFFICIENT", True), ("REJECT", False)],
)
def test_a_canary_lasts_until_it_is_rejected(paths, later, served):
    champion, canary = write_adapter(paths, "champion"), write_adapter(paths, "canary")
    make_champion(paths, champion, day="2026-10-10")
    decide(paths, canary, "CANARY", "2026-10-12")
    decide(paths, canary, later, "2026-10-13")
    assert (read_roles(paths).canary is not None) == served


def test_a_canary_from_before_the_champion_is_none(paths):
    champion, canary = write_adapter(paths, "champion"), write_adapter(paths, "canary")
    decide(paths, canary, "CANARY", "2026-10-12")
    make_champion(paths, champion, day="2026-10-12")
    assert read_roles(paths).canary is None


def test_a_champion_that_was_rolled_back_is_neither_previous_nor_canary(paths):
    old, new = write_adapter(paths, "old"), write_adapter(paths, "new")
    make_champion(paths, new, old, day="2026-10-10")
    roll_back(paths, "Wrong colours.")
    decide(paths, new, "CANARY", "2026-10-12")
    roles = read_roles(paths)
    assert roles.champion is not None and roles.champion.adapter.sha256 == old.sha256
    assert (roles.previous, roles.canary) == (None, None)


def test_a_previous_champion_whose_folder_is_gone_is_left_out_with_a_note(paths):
    old, new = write_adapter(paths, "old"), write_adapter(paths, "new")
    make_champion(paths, new, old)
    shutil.rmtree(old.folder)
    plan = plan_of_home(paths, SERVING)
    assert "previous" not in arms_of(plan)
    assert plan.notes == ("product: The previous champion adapters/dpo/old is not served: its folder is gone.",)


def test_a_canary_whose_folder_is_gone_leaves_the_champion_served(paths):
    champion, canary = write_adapter(paths, "champion"), write_adapter(paths, "canary")
    make_champion(paths, champion, day="2026-10-10")
    decide(paths, canary, "CANARY", "2026-10-12")
    shutil.rmtree(canary.folder)
    plan = plan_of_home(paths, SERVING)
    assert "champion" in arms_of(plan) and "canary" not in arms_of(plan)
    (note,) = plan.notes
    assert note.startswith("product: The canary is not served:") and "canary" in note.removeprefix(
        "product: The canary"
    )


def test_fixed_shares_are_by_role_and_a_role_that_nothing_fills_gives_its_share_to_the_champion(paths):
    make_champion(paths, write_adapter(paths, "champion"))
    shares = {"*": {"champion": 3, "canary": 1, "base": 1}, "code": {"base": 1.0}}
    serving = ServingFile.model_validate({"segments": {"product": {"shares": shares}}})
    plan = plan_of_home(paths, serving)
    roles = arms_of(plan)
    assert plan.shares["product"]["*"] == pytest.approx({roles["champion"]: 0.8, roles["base"]: 0.2})
    assert plan.shares["product"]["code"] == {"assistant@base": 1.0}


def test_an_unknown_role_is_named_with_the_arms_that_there_are(paths):
    serving = ServingFile.model_validate({"segments": {"product": {"shares": {"*": {"champoin": 1}}}}})
    with pytest.raises(ValueError, match=r"names champoin, which is no role .* the arms are assistant@base"):
        plan_of_home(paths, serving)


def test_external_arms_are_asked_last_or_as_they_declare(paths):
    make_champion(paths, write_adapter(paths, "champion"))
    serving = ServingFile(
        endpoints={"local": Endpoint(urls=["http://here"]), "vendor": Endpoint(driver="static", urls=["http://there"])},
        arms={"big": {"endpoint": "vendor", "model": "big-1", "fallback": ["base"]}},
    )
    plan = plan_of_home(paths, serving)
    champion = arms_of(plan)["champion"]
    assert plan.arms[champion].fallback == ["assistant@base", "big"]
    assert plan.arms["big"].fallback == ["assistant@base"]
    assert plan.arms["assistant@base"].fallback == [champion, "big"]


def test_a_segment_without_a_champion_of_its_own_answers_with_the_products(paths):
    product, own = write_adapter(paths, "champion"), write_adapter(paths, "own", segment="desk")
    make_champion(paths, product)
    serving = ServingFile.model_validate({"segments": {"product": {}, "desk": {}, "colours": {}}})
    assert plan_of_home(paths, serving).shares["desk"] == plan_of_home(paths, serving).shares["product"]
    make_champion(paths, own, segment="desk")
    plan = plan_of_home(paths, serving)
    assert plan.shares["desk"] == {"*": {f"assistant@{content_name(own, 'desk')}": 1.0}}
    assert plan.shares["colours"] == plan.shares["product"]


def test_a_refused_canary_is_dropped_and_a_refused_champion_blocks(paths):
    champion, canary = write_adapter(paths, "champion"), write_adapter(paths, "canary")
    make_champion(paths, champion, day="2026-10-10")
    decide(paths, canary, "CANARY", "2026-10-12")
    plan = plan_of_home(paths, SERVING, lambda adapter, _: "Too slow." if adapter.sha256 == canary.sha256 else None)
    assert "canary" not in arms_of(plan) and not plan.blocked
    assert plan.notes == (f"The canary {content_name(canary, None)} was refused at local: Too slow.",)
    blocked = plan_of_home(
        paths, SERVING, lambda adapter, _: "Too slow." if adapter.sha256 == champion.sha256 else None
    )
    assert blocked.blocked == (f"The champion {content_name(champion, None)} was refused at local: Too slow.",)


def test_the_same_files_give_the_same_plan_which_a_routing_file_holds_exactly(paths):
    champion, canary = write_adapter(paths, "champion"), write_adapter(paths, "canary")
    make_champion(paths, champion, day="2026-10-10")
    decide(paths, canary, "CANARY", "2026-10-12")
    first, second = plan_of_home(paths, SERVING), plan_of_home(paths, SERVING)
    routing = Routing(version=1, salt="salt" * 2, written_at="", arms=first.arms, shares=first.shares)
    read_back = Routing.model_validate_json(routing.model_dump_json())
    assert first.key == second.key and second.is_in_force(read_back) and not second.is_in_force(None)


def test_a_decision_file_that_cannot_be_read_is_named(paths):
    write_json(paths.reports("2026-10-12") / "decision.json", {"verdict": "MAYBE"})
    with pytest.raises(ValueError, match=r"decision.json is no decision of this version: verdict"):
        read_roles(paths)
