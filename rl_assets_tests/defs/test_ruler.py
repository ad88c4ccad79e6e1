"""Groups that a judge scores as a whole, as Dagster materializes them, and groups of `grpo_dataset` made of them."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.datasets.builders import build_grpo
from rl_assets.datasets.policies import GrpoPolicy
from rl_assets.defs.annotation.judge import JudgeResource
from rl_assets.defs.annotation.ruler import RulerConfig, ruler_groups
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.settings import Settings
from rl_assets.tables.ruler_groups import RULER_GROUPS
from rl_assets_tests.support.judge_server import Asked, Behaviour, Say, group_scores, serving
from rl_assets_tests.support.logs import DAY, Product, Row, interaction, judged

pytestmark = pytest.mark.slow  # Rates a day of answers.

WORTH = {"Bad": 0.1, "Fair": 0.5, "Good": 0.9}
PROMPTS = 30


def by_content(asked: Asked) -> Say:
    return group_scores(asked, lambda place, text: WORTH[text.split()[0]])


def first_position_lover(asked: Asked) -> Say:
    return group_scores(asked, lambda place, text: 1 / place)


def forgets_one(asked: Asked) -> Say:
    """Leaves out an id of the groups about an even part."""
    said = json.loads(by_content(asked).text)
    if is_even(asked):
        said["scores"].pop()
    return Say(json.dumps(said))


def is_even(asked: Asked) -> bool:
    return int(asked.user.split("part ")[1].split("?")[0]) % 2 == 0


def question(n: int) -> str:
    return f"What do you know about part {n}?"


def unrated(n: int) -> list[Row]:
    return [interaction(f"{w}-{n}", query=question(n), answer=f"{w} words about part {n}.") for w in WORTH]


@pytest.fixture(scope="module")
def product(tmp_path_factory) -> Product:
    """Prompts with three unrated answers, and three that rewards tell apart."""
    home = tmp_path_factory.mktemp("ruler")
    product = Product.at(home)
    rated = [
        judged(f"r{i}-{n}", 0.9 - 0.4 * i, query=f"Rated {n}?", answer=f"{i} {n}") for n in range(3) for i in (0, 1)
    ]
    product.log(*rated, *(row for n in range(PROMPTS) for row in unrated(n)))
    product.ingest()
    product.rated()
    return product


def run(product: Product, url: str, model: str, **config) -> tuple[dg.ExecuteInProcessResult, dict, bool]:
    """Materialize `ruler_groups`: the result, its metadata, and whether its check passed."""
    home = HomeResource.from_settings(Settings(home=product.landing.parent))
    result = dg.materialize(
        [ruler_groups],
        partition_key=str(DAY),
        resources={"home": home, "judge": JudgeResource(base_url=url, model=model, retries=0)},
        run_config={"ops": {"ruler_groups": {"config": RulerConfig(**config).model_dump()}}},
    )
    (event,) = result.get_asset_materialization_events()
    (check,) = result.get_asset_check_evaluations()
    assert check.severity == dg.AssetCheckSeverity.ERROR
    return result, {name: value.value for name, value in event.materialization.metadata.items()}, check.passed


def judge_with(product: Product, behaviour: Behaviour, **config) -> tuple[list[Row], dict, bool]:
    with serving(behaviour) as server:
        _, metadata, passed = run(product, server.url, behaviour.__name__, **config)
    return product.rows(RULER_GROUPS, DAY), metadata, passed


def eligible(product: Product) -> int:
    """Prompts of training and validation without rewards."""
    rows = product.rated().values()
    return len({row["prompt_key"] for row in rows if row["reward"] is None and row["split"] in ("train", "validation")})


def test_a_judge_of_content_gives_groups_whose_orders_agree_and_grpo_uses_them_if_named(product: Product):
    rows, metadata, passed = judge_with(product, by_content)
    groups = eligible(product)
    assert passed and metadata["tau"] == "1.00 [1.00, 1.00]" and metadata["scored"] == groups > 20
    assert len(rows) == 3 * groups and {row["split"] for row in rows} <= {"train", "validation"}
    assert {(row["interaction_id"].split("-")[0], row["score"]) for row in rows} == set(WORTH.items())
    assert {(row["order_tau"], row["size"], row["model"]) for row in rows} == {(1.0, 3, "by_content")}

    built, without = product.build(build_grpo, GrpoPolicy())
    assert {row["metadata"]["scorer"] for row in without} == {"judge"}
    built, named = product.build(build_grpo, GrpoPolicy(scorers=["judge", "ruler"]))
    scorers = Counter(row["metadata"]["scorer"] for row in named)
    (scorer,) = set(scorers) - {"judge"}
    assert scorer == f"ruler:by_content:{rows[0]['rubric_sha256']}"
    assert scorers == {scorer: groups, "judge": len(without)}
    assert built.candidates == built.selected + sum(built.dropped.values())
    group = next(row for row in named if row["metadata"]["scorer"] == scorer)
    assert [answer["reward"] for answer in group["responses"]] == [0.9, 0.5, 0.1]


def test_scores_of_a_group_are_not_gated_by_the_best_one(product: Product):
    low = {"Bad": 0.0, "Fair": 0.05, "Good": 0.15}

    def harsh(asked: Asked) -> Say:
        return group_scores(asked, lambda place, text: low[text.split()[0]])

    judge_with(product, harsh)
    _, rows = product.build(build_grpo, GrpoPolicy(scorers=["ruler"], failed_below=0.2))
    assert len(rows) == eligible(product) and {row["responses"][0]["reward"] for row in rows} == {0.15}


def test_a_judge_that_loves_the_first_position_gives_no_group_and_a_red_check(product: Product):
    rows, metadata, passed = judge_with(product, first_position_lover)
    assert not rows and not passed and metadata["orders_disagree"] == eligible(product)
    assert product.build(build_grpo, GrpoPolicy(scorers=["ruler"]))[1] == []


def test_a_group_of_which_an_id_is_missing_is_dropped_and_counted(product: Product):
    # Groups about even parts are dropped: too few are left to believe the judge.
    rows, metadata, passed = judge_with(product, forgets_one)
    assert metadata["invalid_reply"] + metadata["scored"] == eligible(product) and metadata["invalid_reply"] >= 10
    assert not passed and not rows


def test_scores_within_a_twentieth_rank_nothing(product: Product):
    def flat(asked: Asked) -> Say:
        return group_scores(asked, lambda place, text: 0.5 + WORTH[text.split()[0]] / 20)

    rows, metadata, _ = judge_with(product, flat)
    assert not rows and metadata["no_spread"] == eligible(product)


def test_a_service_that_is_rate_limited_for_ever_is_left_alone(product: Product):
    with serving(lambda asked: Say(status=429, body={"error": {"message": "slow down"}})) as server:
        _, metadata, passed = run(product, server.url, "busy")
    assert not passed and metadata["failed"] + metadata["skipped"] == eligible(product)
    assert len(server.asked) < 12


def test_dollars_are_not_limited_without_a_price(product: Product):
    with serving(by_content) as server, pytest.raises(ValueError, match="its price is not known"):
        run(product, server.url, "of-unknown-price", max_usd=1.0)
    assert not server.asked


MATERIALIZE = """
import sys
from rl_assets_tests.defs.test_ruler import Product, Path, run
run(Product.at(Path(sys.argv[1])), sys.argv[2], "mortal")
"""


def test_a_run_that_was_killed_after_some_groups_sends_the_rest_alone(product: Product):
    killed: list[int] = []

    def deadly(asked: Asked) -> Say:
        if len(server.asked) > 20 and not killed:
            killed.append(process.pid)
            os.kill(process.pid, signal.SIGKILL)
        return by_content(asked)

    with serving(deadly) as server:
        arguments = [sys.executable, "-c", MATERIALIZE, str(product.landing.parent), server.url]
        with subprocess.Popen(arguments) as process:
            pass
        kept = len(list((product.landing.parent / "judge").rglob("*.json")))
        before = len(server.asked)
        _, metadata, passed = run(product, server.url, "mortal")
        again = len(server.asked) - before
    assert killed and passed and metadata["scored"] == eligible(product)
    # At most the four calls that were open at the kill are sent twice.
    assert 2 * eligible(product) <= before + again <= 2 * eligible(product) + 4
    assert kept


def test_without_a_judge_there_are_no_groups(product: Product, tmp_path: Path):
    home = HomeResource.from_settings(Settings(home=tmp_path))
    resources = {"home": home, "judge": JudgeResource(base_url=None, model=None)}
    result = dg.materialize([ruler_groups], partition_key=str(DAY), resources=resources)
    (check,) = result.get_asset_check_evaluations()
    assert result.success and check.passed and not (tmp_path / "lake" / "ruler_groups").exists()
