"""The command that draws an arm, on the file that the newest state wrote."""

import json
from collections import Counter
from pathlib import Path

import pytest

from rl_assets.routing.choose import choose, main
from rl_assets.routing.learned import LearnedShares, write_learned
from rl_assets.settings import Settings

SHARES = {"desk@a": 0.7, "desk@b": 0.2, "solo": 0.1}
LEARNED = LearnedShares(
    day="2026-10-01",
    salt="a salt of tests",
    shares={"product": {"factual": SHARES, "*": {"desk@a": 1.0}}, "acme": {"*": {"solo": 1.0}}},
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RL_ASSETS_HOME", str(tmp_path))
    write_learned(Settings(home=tmp_path).paths, LEARNED)
    return tmp_path


def chosen(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main(arguments) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("home")
def test_the_choice_is_printed_with_its_probability_and_a_session_keeps_it(capsys) -> None:
    first, again = (chosen(capsys, "--category", "factual", "--session", "s-1") for _ in range(2))
    assert (first["arm"], first["propensity"]) == (again["arm"], again["propensity"])
    assert first["propensity"] == SHARES[first["arm"]] and first["arms"] == SHARES
    assert (first["policy_version"], first["as_of"]) == (LEARNED.policy_version, "2026-10-01")


@pytest.mark.usefixtures("home")
def test_a_question_is_drawn_for_by_its_words_or_else_by_what_is_known_over_all(capsys) -> None:
    assert chosen(capsys, "--question", "Where is my order?")["category"] == "factual"
    other = chosen(capsys, "--question", "Why is it late?")
    assert (other["category"], other["arm"], other["agent"], other["adapter"]) == ("*", "desk@a", "desk", "a")
    own = chosen(capsys, "--segment", "acme")
    assert (own["arm"], own["adapter"], own["propensity"]) == ("solo", None, 1.0)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(("option", "known"), [("--category", "factual"), ("--segment", "acme, product")])
def test_an_unknown_name_is_refused_and_the_known_ones_are_named(capsys, option: str, known: str) -> None:
    assert main([option, "poems"]) == 1
    assert (
        capsys.readouterr()
        .err.strip()
        .endswith(f"'poems' is no {option[2:]} of which something was learned: known are {known}")
    )


def test_before_anything_is_learned_it_says_what_to_do(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("RL_ASSETS_HOME", str(tmp_path))
    assert main(["--category", "factual"]) == 1 and "materialize bandit_state" in capsys.readouterr().err


def test_sessions_are_drawn_in_the_proportions_of_the_shares() -> None:
    drawn = Counter(choose(LEARNED, None, "factual", f"session {n}")["arm"] for n in range(1_000))
    distance = sum((drawn[arm] - 1_000 * share) ** 2 / (1_000 * share) for arm, share in SHARES.items())
    assert distance < 13.8  # Chi-square with 2 degrees of freedom, p = 0.001.
