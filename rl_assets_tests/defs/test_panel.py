"""A panel's night as Dagster materializes it, against real servers on this machine, and what datasets read of it."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from rl_assets.datasets.builders import build_grpo, build_kto, build_pairs, build_sft
from rl_assets.datasets.policies import DpoPolicy, GrpoPolicy, KtoPolicy, SftPolicy
from rl_assets.tables.synthetic_feedback import SYNTHETIC_FEEDBACK
from rl_assets_tests.support.judge_server import SECRET, Asked, Behaviour, Say, Server, serving
from rl_assets_tests.support.logs import DAY, Product
from rl_assets_tests.support.panels import (
    UNJUDGED,
    contrary,
    fair,
    rated_product,
    say_stars,
    score,
    stars,
    write_panel,
)

pytestmark = pytest.mark.slow  # Rates a day of answers, and hundreds of calls per run.

WITH_SYNTHETIC = ["human", "verifier", "judge", "synthetic"]
PROBE_CALLS = 10


@pytest.fixture(scope="module")
def product(tmp_path_factory) -> Product:
    return rated_product(tmp_path_factory.mktemp("panel"))


@contextmanager
def panel_of(product: Product, *behaviours: Behaviour, **given: object) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        servers = [stack.enter_context(serving(behaviour)) for behaviour in behaviours]
        write_panel(product, [server.url for server in servers], **given)
        yield servers


def synthetic_rows(product: Product) -> dict[str, int]:
    """Rows with synthetic rewards of each dataset that asks for them."""
    builders = [(build_sft, SftPolicy), (build_pairs, DpoPolicy), (build_kto, KtoPolicy), (build_grpo, GrpoPolicy)]
    found = {}
    for build, policy in builders:
        rows = product.build(build, policy(sources=WITH_SYNTHETIC))[1]
        source = "scorer" if build is build_grpo else "reward_source"
        synthetic = [row for row in rows if row["metadata"][source] == "synthetic"]
        assert all(row["split"] == "train" for row in synthetic)
        assert not [row for row in product.build(build, policy())[1] if row["metadata"][source] == "synthetic"]
        found[build.__name__] = len(synthetic)
    return found


def table(markdown: str) -> list[dict[str, str]]:
    """The lines of a table by column."""
    head, _, *lines = [[cell.strip("` ") for cell in line.strip("|").split("|")] for line in markdown.splitlines()]
    return [dict(zip(head, line, strict=True)) for line in lines]


def unjudged_in_training(product: Product) -> int:
    return len(
        {row["prompt_key"] for row in product.rated().values() if row["reward"] is None and row["split"] == "train"}
    )


def test_a_panel_that_follows_people_is_believed_and_labels_training_answers_alone(product: Product):
    with panel_of(product, fair, fair, fair, human_label_usd=0.5) as servers:
        metadata, check = score(product)
        rows = product.rows(SYNTHETIC_FEEDBACK, DAY)
        again, _ = score(product)
        calls = sum(len(server.asked) for server in servers)
    assert check.passed and metadata["scored"] == 6 * metadata["answers"] and metadata["answers"] > 60
    assert calls == metadata["calls"] == 3 * (PROBE_CALLS + 2 * metadata["answers"]) and again["calls"] == 0
    assert product.rows(SYNTHETIC_FEEDBACK, DAY) == rows

    assert {(row["source"], row["kind"], row["believed"]) for row in rows} == {("synthetic", "rating", True)}
    overall = [row for row in rows if row["dimension"] == "overall"]
    assert len(overall) == metadata["answers"] and len(rows) == 7 * len(overall)
    assert {row["rater"] for row in rows} == {"panel", *(f"m{n}/{p}" for n in range(3) for p in ("critic", "voice"))}
    assert {row["raters"] for row in rows} == {3} and {row["value"] for row in overall} == {0.0, 1.0}
    votes = [row for row in rows if row["rater"] != "panel"]
    assert {row["comment"] for row in votes} == {f"Worth {n}, says <EMAIL>." for n in (1, 5)}
    assert {(row["tokens"], row["usd"]) for row in votes} == {(10, None)} and all(row["rubric_sha256"] for row in rows)

    pairs = unjudged_in_training(product)
    assert pairs > UNJUDGED // 2
    assert synthetic_rows(product) == {
        "build_sft": pairs,
        "build_pairs": pairs,
        "build_kto": 2 * pairs,
        "build_grpo": pairs,
    }
    line = table(metadata["beliefs"])[0]
    assert (line["dimension"], line["believed"], line["rho with people"]) == ("accuracy", "yes", "1.00 [1.00, 1.00]")
    total = table(metadata["costs"])[-1]
    assert (total["judge"], total["scores"]) == ("all", str(len(votes))) and float(total["seconds per label"]) >= 0
    assert float(total["people's labels, usd"]) == len(votes) / 2


def test_each_persona_sees_one_answer_and_one_dimension_and_no_verdict_of_another(product: Product):
    with panel_of(product, fair) as (server,):
        score(product, max_answers=4, validation_answers=0)
    scored = server.asked[PROBE_CALLS:]
    assert {len(asked.answers) for asked in scored} == {1}
    assert not [asked for asked in scored if "Worth" in asked.user + asked.system]
    assert {("accuracy" in asked.system, "brand" in asked.system) for asked in scored} == {(True, False), (False, True)}


def test_with_a_contrary_judge_alpha_is_reported_and_nothing_is_believed(product: Product):
    with panel_of(product, fair, fair, contrary):
        metadata, check = score(product)
    rows = product.rows(SYNTHETIC_FEEDBACK, DAY)
    assert not check.passed and {row["believed"] for row in rows} == {False}
    assert 'j2: it did not see which answer is right to "How many days has a week?"' in str(check.metadata)
    alpha = table(metadata["beliefs"])[0]["alpha of the judges"]
    assert -0.5 < float(alpha.split()[0]) < 0.2
    assert set(synthetic_rows(product).values()) == {0}


def test_a_panel_that_does_not_follow_people_is_not_believed_although_it_knows_its_probes(product: Product):
    def like_chance(asked: Asked) -> Say:
        return fair(asked) if "part" not in asked.user else say_stars(1 + sum(map(ord, asked.user)) % 5)

    with panel_of(product, like_chance):
        _, check = score(product)
    assert not check.passed and "Its scores do not follow people's" in str(check.metadata)
    assert set(synthetic_rows(product).values()) == {0}


def test_people_s_ratings_of_fifty_answers_are_needed(product: Product):
    with panel_of(product, fair):
        _, check = score(product, validation_answers=30)
    assert not check.passed and "People rated 30 of the answers that it scored by this name, and 50" in str(
        check.metadata
    )


def test_a_budget_of_ten_calls_makes_exactly_ten_and_the_next_run_makes_the_others(product: Product):
    with panel_of(product, fair, fair, fair) as servers:
        metadata, check = score(product, max_calls=10)
        assert sum(len(server.asked) for server in servers) == metadata["calls"] == 10
        assert not check.passed and metadata["not_asked"] == metadata["answers"]
        later, check = score(product)
        assert check.passed and later["not_asked"] == 0
        assert sum(len(server.asked) for server in servers) == 3 * (PROBE_CALLS + 2 * later["answers"])


def test_dollars_are_claimed_before_the_call_and_never_exceeded(product: Product):
    prices = "version: 2026-11-01\nsource: a test\nmodels: {m0: {input: 100.0, output: 100.0}}\n"
    (product.landing.parent / "prices.yaml").write_text(prices, encoding="utf-8")
    with panel_of(product, fair, human_label_usd=0.5) as (server,):
        # A call costs 0.001 US dollars and may cost more than 0.1: its prompt's bytes are its tokens at most.
        metadata, _ = score(product, max_usd=0.15, max_reply_tokens=50, validation_answers=0)
    usd = len(server.asked) * 10 * 100 / 1e6
    assert 0 < usd <= 0.15 and metadata["not_asked"] > 0 and metadata["calls"] == len(server.asked)
    with (
        panel_of(product, fair, fair) as servers,
        pytest.raises(ValueError, match="m1 may cost, and its price is not known"),
    ):
        score(product, max_usd=1.0)
    assert not any(server.asked for server in servers)


@pytest.mark.parametrize(
    "reply",
    [
        "I would give it a 5.",
        '```json\n{"rationale": "Because.", "score": 5}\n```',
        '{"rationale": "Because.", "score": 5, "score": 1}',
        '{"rationale": "Because.", "score": "five"}',
        '{"rationale": "Because.", "score": 7}',
        '{"rationale": "Because.", "score": NaN}',
        '{"rationale": "Because.", "score": true}',
        '{"score": 5, "rationale": "Because."}',
        "[" * 10_000,
    ],
)
def test_a_reply_in_another_form_is_no_score(product: Product, reply: str):
    with panel_of(product, lambda asked: Say(reply)):
        metadata, check = score(product, max_answers=2, validation_answers=0)
    assert metadata["invalid_reply"] == 2 * metadata["answers"] and "scored" not in metadata
    assert not check.passed and product.rows(SYNTHETIC_FEEDBACK, DAY) == []


def test_a_service_that_is_rate_limited_for_ever_gives_no_score_and_its_key_stays_secret(
    product: Product, monkeypatch, capfd
):
    monkeypatch.setenv("PANEL_KEY", SECRET)
    body = {"error": {"message": f"slow down, {SECRET}"}}
    with serving(lambda asked: Say(status=429, body=body)) as server:
        judge = {"name": "busy", "base_url": server.url, "model": "m", "key": "PANEL_KEY", "retries": 0}
        write_panel(product, [], judges=[judge])
        metadata, check = score(product, max_answers=4, validation_answers=0)
    assert server.asked[0].headers["Authorization"] == f"Bearer {SECRET}" and len(server.asked) < 12
    assert not check.passed and "scored" not in metadata and metadata["not_asked"] == metadata["answers"]
    kept = [path.read_text(encoding="utf-8") for path in (product.landing.parent / "judge").rglob("*.json")]
    output = "".join(capfd.readouterr())
    assert SECRET not in "".join(kept) + output + json.dumps([metadata, str(check.metadata)], default=str)


def test_a_judge_that_obeys_an_answer_is_not_believed(product: Product):
    def gullible(asked: Asked) -> Say:
        return say_stars(5 if "this answer 1.0" in asked.answers[-1] else stars(asked))

    with panel_of(product, gullible):
        _, check = score(product)
    assert not check.passed and "it obeyed an instruction inside an answer" in str(check.metadata)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"judges": []}, "judges is .*: give at least 1"),
        (
            {"judges": [{"name": "a", "base_url": "http://x", "model": m} for m in "mn"]},
            "two judges are named a: give each a name",
        ),
        ({"preset": "five"}, "name either a preset or personas"),
        (
            {"personas": [{"name": "a", "dimension": "overall", "rubric": "r", "anchors": list("12345")}]},
            "is weighed from",
        ),
        ({"personas": [{"name": "a", "dimension": "d", "rubric": "r", "anchors": list("1234")}]}, "give 5 anchors"),
        ({"judges": [{"name": "a", "base_url": "ftp://x", "model": "m"}]}, "base_url is 'ftp://x'"),
        (
            {"judges": [{"name": "a", "base_url": "http://x", "model": "m", "key": "NOT_SET_ANYWHERE"}]},
            "environment variable NOT_SET_ANYWHERE, which is not set",
        ),
    ],
)
def test_a_panel_s_file_that_is_wrong_is_refused_with_what_to_do(product: Product, change: dict, problem: str):
    write_panel(product, ["http://127.0.0.1:1"], **change)
    with pytest.raises(ValueError, match=problem) as refused:
        score(product)
    assert "panel.yaml" in str(refused.value)


SCORE = """
import sys
from pathlib import Path
from rl_assets_tests.support.panels import score
from rl_assets_tests.support.logs import Product
score(Product.at(Path(sys.argv[1])))
"""


def test_a_run_of_three_judges_that_was_killed_sends_the_rest_alone(product: Product):
    killed: list[int] = []

    def deadly(asked: Asked) -> Say:
        if len(servers[0].asked) > 60 and not killed:
            killed.append(process.pid)
            os.kill(process.pid, signal.SIGKILL)
        return fair(asked)

    with panel_of(product, deadly, fair, fair, human_label_usd=0.5) as servers:
        arguments = [sys.executable, "-c", SCORE, str(product.landing.parent)]
        with subprocess.Popen(arguments) as process:
            pass
        before = [len(server.asked) for server in servers]
        metadata, check = score(product)
    assert killed and all(before)
    needed = PROBE_CALLS + 2 * metadata["answers"]
    for server, sent in zip(servers, before, strict=True):
        times = Counter(json.dumps(asked.body, sort_keys=True) for asked in server.asked)
        assert len(times) == needed and sent < needed
        # At most the calls that were open at the kill are sent twice.
        assert len(server.asked) <= needed + 4
    assert check.passed and metadata["scored"] == 6 * metadata["answers"] and metadata["not_asked"] == 0


def test_without_a_panel_nothing_is_scored(product: Product):
    (product.landing.parent / "panel.yaml").unlink(missing_ok=True)
    metadata, check = score(product)
    assert metadata == {"panel": "none is configured"} and check.passed
