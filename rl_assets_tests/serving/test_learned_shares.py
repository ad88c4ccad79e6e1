"""What is drawn from, of shares that were learned: over the arms that are served, within the bounds of their roles."""

import random
from math import fsum

import pytest

from rl_assets.core.home import Home
from rl_assets.routing.config import ANY, RouterFile
from rl_assets.routing.learned import LearnedShares, write_learned
from rl_assets.serving.config import Endpoint, ServingFile
from rl_assets.serving.learned_shares import scaled_within
from rl_assets.serving.plan import Plan, never_refused, plan_of_home
from rl_assets.serving.routing import Shares
from rl_assets_tests.support.served_homes import decide, make_champion, write_adapter

SERVING = ServingFile()
BASE = "assistant@base"
GONE = "assistant@product--dpo-000000000000"


class Served:
    """A home whose champion, champion before it and canary are served; `arms` are their names by role."""

    def __init__(self, paths: Home, canary: bool = True) -> None:
        self.paths = paths
        make_champion(paths, write_adapter(paths, "new"), write_adapter(paths, "old"), day="2026-10-10")
        if canary:
            decide(paths, write_adapter(paths, "canary"), "CANARY", "2026-10-12")
        plan = plan_of_home(paths, SERVING)
        self.arms = {arm.role: name for name, arm in plan.arms.items()}

    def learn(self, shares: Shares, new: tuple[str, ...] = (), segment: str = "product", category: str = ANY) -> None:
        """Shares by role, or by name of an arm that is not served."""
        by_arm = {self.arms.get(role, role): share for role, share in shares.items()}
        known = {segment: {category: [self.arms[role] for role in new]}}
        shares = {segment: {category: by_arm}}
        write_learned(self.paths, LearnedShares(day="2026-10-13", salt="a salt of tests", shares=shares, new=known))

    def plan(self, serving: ServingFile = SERVING, **file: object) -> Plan:
        return plan_of_home(self.paths, serving, never_refused, RouterFile.model_validate(file))

    def shares(self, category: str = ANY, **file: object) -> dict[str, float]:
        """The product's shares by role."""
        drawn = self.plan(**file).shares["product"][category]
        roles = {name: role for role, name in self.arms.items()}
        return {roles[name]: share for name, share in drawn.items()}


@pytest.fixture
def served(tmp_path) -> Served:
    return Served(Home(tmp_path))


def test_learned_shares_of_served_arms_are_drawn_from_as_they_are(served):
    learned = {"champion": 0.6, "previous": 0.2, "base": 0.15, "canary": 0.05}
    served.learn(learned)
    assert served.shares() == pytest.approx(learned)
    served.learn(learned, category="poems")
    assert served.shares("poems") == pytest.approx(learned)
    assert served.shares() == {"champion": 0.9, "canary": 0.1}, "of other categories nothing was learned"


def test_an_arm_that_is_not_served_leaves_its_share_to_the_others_and_is_named(served):
    served.learn({"champion": 0.45, "base": 0.2, "canary": 0.05, GONE: 0.3})
    assert served.shares() == pytest.approx({"champion": 0.6429, "base": 0.2857, "canary": 0.0714}, abs=1e-4)
    assert f"product: not served, so what was learned of them goes to the others: {GONE}." in served.plan().notes


def test_a_canary_never_gets_more_than_its_cap(served):
    served.learn({"champion": 0.2, "base": 0.1, "canary": 0.7})
    assert served.shares() == pytest.approx({"champion": 0.6, "base": 0.3, "canary": 0.1})


def test_a_canary_that_nothing_is_learned_of_gets_the_cap(served):
    served.learn({"champion": 0.8, "base": 0.2})
    assert served.shares() == pytest.approx({"champion": 0.72, "base": 0.18, "canary": 0.1})
    assert any("nothing is learned yet of" in note and served.arms["canary"] in note for note in served.plan().notes)


@pytest.mark.parametrize(
    ("learned", "new", "expected"),
    [
        # It takes the place of the champion before it, which keeps the floor.
        ({"previous": 0.8, "base": 0.2}, (), {"champion": 0.7867, "previous": 0.0167, "base": 0.1967}),
        # At least half.
        ({"previous": 0.3, "base": 0.7}, (), {"champion": 0.5, "previous": 0.0167, "base": 0.4833}),
        ({"base": 1.0}, (), {"champion": 0.5, "base": 0.5}),
        # A few rewards do not tell: the state's cap of a new arm is not the champion's.
        ({"champion": 0.1, "base": 0.9}, ("champion",), {"champion": 0.5, "base": 0.5}),
        ({"champion": 0.1, "base": 0.9}, (), {"champion": 0.1, "base": 0.9}),
    ],
)
def test_a_new_champion_gets_what_the_one_before_it_had_and_at_least_half(tmp_path, learned, new, expected):
    served = Served(Home(tmp_path), canary=False)
    served.learn(learned, new)
    assert served.shares() == pytest.approx(expected, abs=1e-3)


def test_a_disabled_arm_gets_nothing_learned_or_not(served):
    served.learn({"champion": 0.9, "base": 0.1, "previous": 0.0})
    assert served.shares(disabled=[served.arms["canary"]]) == pytest.approx({"champion": 0.9, "base": 0.1})


def test_where_no_learned_arm_is_served_the_champion_answers(served):
    served.learn({GONE: 1.0})
    assert served.shares() == pytest.approx({"champion": 0.9, "canary": 0.1})


def test_fixed_shares_of_the_serving_file_stand(served):
    served.learn({"champion": 0.5, "base": 0.5})
    fixed = {"segments": {"product": {"shares": {"*": {"base": 1}}}, "desk": {}}}
    plan = served.plan(ServingFile.model_validate(fixed))
    assert plan.shares["product"] == {"*": {BASE: 1.0}} and plan.learned == ()
    assert "desk: nothing was learned of this segment, so its shares are the default ones." in plan.notes


def test_external_arms_are_drawn_once_something_is_learned_of_them(served):
    serving = ServingFile(
        endpoints={"local": Endpoint(urls=["http://here"]), "vendor": Endpoint(driver="static", urls=["http://there"])},
        arms={"big": {"endpoint": "vendor", "model": "big-1"}, "small": {"endpoint": "vendor", "model": "small-1"}},
    )
    served.learn({"champion": 0.5, "big": 0.4, "canary": 0.1})
    plan = served.plan(serving)
    assert plan.shares["product"]["*"]["big"] == pytest.approx(0.4)
    assert "product: nothing is learned of small, which get no share." in plan.notes


def test_without_a_router_file_learned_shares_change_nothing(served):
    served.learn({"champion": 0.5, "base": 0.5})
    assert plan_of_home(served.paths, SERVING).shares["product"]["*"][served.arms["champion"]] == 0.9


def test_a_learned_file_that_is_none_is_named_with_what_to_do(served):
    served.paths.router.mkdir()
    (served.paths.router / "shares.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"shares.json is invalid: .*Materialize bandit_state"):
        served.plan()


def test_shares_within_bounds_sum_to_1_and_keep_their_proportions_between_them():
    source = random.Random(7)
    for _ in range(2_000):
        names = [f"a{number}" for number in range(source.randint(1, 9))]
        weights = {name: source.random() ** 6 + 1e-9 for name in names}
        bounds = {name: (0.05 / len(names), source.choice([1.0, 1.0, 0.1])) for name in names[1:]} | {"a0": (0.0, 1.0)}
        shares = scaled_within(weights, bounds)
        assert fsum(shares.values()) == pytest.approx(1, abs=1e-12)
        free = []
        for name, share in shares.items():
            low, high = bounds[name]
            assert low - 1e-12 <= share <= high + 1e-12
            free += [share / weights[name]] if low + 1e-12 < share < high - 1e-12 else []
        assert max(free, default=1.0) == pytest.approx(min(free, default=1.0))
