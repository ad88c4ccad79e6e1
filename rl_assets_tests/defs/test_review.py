"""People in the decision, through Dagster: pairs are drawn, labels are dropped into landing, decisions count them."""

import html
import json
import re
from datetime import date

import pytest

from rl_assets.defs.shared.partitions import BACKFILL
from rl_assets.evaluation.promotion.champion import read_champion
from rl_assets.evaluation.run.pairs import AnsweredPair
from rl_assets.evaluation.schema.evidence import ClusterDifference
from rl_assets.lake.delta import Lake
from rl_assets.tables.records import FEEDBACK, REJECTED_RECORDS
from rl_assets.tables.review_queue import REVIEW_QUEUE
from rl_assets_tests.support.evaluation_samples import DAY, comparison, primary, span
from rl_assets_tests.support.reviewed_nights import BASE, INGESTION, Reviewed, answers, day_after, free_form, verdict_of

LATER = day_after(days=2)


@pytest.fixture
def product(tmp_path) -> Reviewed:
    return Reviewed(tmp_path)


def drawn(product: Reviewed, day: str = DAY, count: int = 60, per_night: int = 60, chosen=None, judged=None, **changes):
    """A night whose queue is materialized; its lines."""
    product.night(day, answers(count, day, judged), chosen or free_form(day=day), **changes)
    result = product.run(day, "review_queue", review_queue={"per_night": per_night})
    assert result.success
    return product.queue(day)


def shown_to_nobody(product: Reviewed, day: str = LATER, chosen=None, **changes) -> None:
    """A night without a new prompt, on which labels of earlier ones are decided on."""
    product.night(day, [], chosen or free_form(day=day), **changes)


def table(product: Reviewed, day: str = DAY) -> list[dict]:
    return Lake(product.paths.lake_url).read(REVIEW_QUEUE, [date.fromisoformat(day)]).to_table().to_pylist()


def test_ten_pairs_of_a_night_are_drawn_blind_and_the_same_ones_again(product):
    product.night(DAY, answers(40, DAY), free_form())
    assert product.run(DAY, "review_queue").success
    file = product.paths.reports(DAY) / "review_queue.jsonl"
    first = file.read_bytes()
    lines = product.queue(DAY)
    assert len(lines) == 10 and len(table(product)) == 40
    name = f"review:{free_form().epoch}:{product.adapter.sha256[:8]}-{BASE[:8]}:{DAY}-"
    assert all(line["interaction_id"].startswith(name) for line in lines)
    assert {line["verdict"] for line in lines} == {""}
    # Neither whose answer comes first nor its length is told: about half of the good ones do, by a hash.
    assert 1 <= sum("good" in line["first_output"] for line in lines) <= 9
    assert product.adapter.sha256 not in first.decode() and "model" not in json.loads(first.splitlines()[0])
    assert product.run(DAY, "review_queue").success
    assert file.read_bytes() == first


@pytest.mark.slow  # Builds days for seconds.
def test_the_draw_does_not_depend_on_answers_and_equal_ones_are_no_question(product):
    pairs = answers(30, DAY)
    product.night(DAY, pairs, free_form())
    assert product.run(DAY, "review_queue").success
    before = {line["interaction_id"] for line in product.queue(DAY)}
    longer = [AnsweredPair(p.cluster, p.prompt_key, p.prompt, p.ours * 50, p.theirs, p.judged) for p in pairs]
    product.night(DAY, longer[::-1], free_form())
    assert product.run(DAY, "review_queue").success
    assert {line["interaction_id"] for line in product.queue(DAY)} == before
    equal = [AnsweredPair(p.cluster, p.prompt_key, p.prompt, "Same.", " Same.\n") for p in pairs]
    product.night(DAY, equal, free_form())
    assert product.run(DAY, "review_queue").success
    assert table(product) == [] and not (product.paths.reports(DAY) / "review_queue.html").exists()


@pytest.mark.slow  # Builds days for seconds.
def test_a_prompt_is_asked_about_once_in_an_epoch_and_a_backfill_draws_none(product):
    drawn(product, count=20, per_night=5)
    product.night(day_after(), answers(20, DAY) + answers(3, "new"), free_form(day=day_after()))
    assert product.run(day_after(), "review_queue").success
    assert len(product.queue(day_after())) == 3
    product.night(LATER, answers(20, LATER), free_form(day=LATER))
    assert product.run(LATER, "review_queue", tags={BACKFILL: "abcdefgh"}).success
    assert table(product, LATER) == [] and not (product.paths.reports(LATER) / "review_queue.jsonl").exists()


def test_the_page_escapes_what_models_and_users_write(product):
    hostile = "</pre><script>alert(1)</script>\" onclick='x'"
    pair = AnsweredPair("c", "c", ({"role": "user", "content": hostile},), hostile + "1", hostile + "2\u202e")
    product.night(DAY, [pair], free_form())
    assert product.run(DAY, "review_queue").success
    page = (product.paths.reports(DAY) / "review_queue.html").read_text(encoding="utf-8")
    assert page.count("<script>") == 1 and "alert(1)</script>" not in page
    assert "onclick='x'" not in page and "\u202e" not in page
    assert "http" not in page.lower().replace("utf-8", "")
    # What the page saves is the line of the file, unchanged, with a verdict.
    (line,) = re.findall(r'<fieldset data-line="([^"]*)">', page)
    assert json.loads(html.unescape(line)) == product.queue(DAY)[0]


@pytest.mark.slow  # Several seconds of CPU.
def test_labels_that_land_nights_later_make_a_champion_where_no_metric_can(product):
    lines = drawn(product)
    held, _ = product.decide(DAY)
    assert held["verdict"] == "INSUFFICIENT"
    assert "So far there are 0 of 50 human labels." in held["reasons"]
    product.land(LATER, [verdict_of(line, good=n % 4 > 0) for n, line in enumerate(lines)])
    shown_to_nobody(product)
    decided, check = product.decide(LATER)
    assert (decided["verdict"], decided["labels"], decided["clusters"]) == ("PROMOTE", 60, 60)
    assert "Wins minus losses by human labels against the base: +0.500 on 60 clusters" in decided["reasons"]
    assert check.passed and decided["champion_changed"]
    assert read_champion(product.paths).hash == product.adapter.sha256
    page = (product.paths.reports(LATER) / "report.html").read_text(encoding="utf-8")
    assert "People: win rate 0.750 [0.640, 0.860] by 60 pairs that 1 person labelled" in page


@pytest.mark.slow
def test_swapped_labels_never_promote(product):
    lines = drawn(product)
    product.land(LATER, [verdict_of(line, good=n % 4 == 0) for n, line in enumerate(lines)])
    shown_to_nobody(product)
    decided, _ = product.decide(LATER)
    assert decided["verdict"] == "REJECT" and read_champion(product.paths) is None


@pytest.mark.slow
def test_fewer_than_fifty_labels_are_counted_and_not_shown_as_a_rate(product):
    lines = drawn(product)
    product.land(LATER, [verdict_of(line) for line in lines[:23]] + lines[23:])
    shown_to_nobody(product)
    decided, check = product.decide(LATER)
    assert (decided["verdict"], decided["labels"]) == ("INSUFFICIENT", 23)
    assert "So far there are 23 of 50 human labels." in decided["reasons"]
    assert "23 of 50 human labels" in decided["people"] and "win rate 0" not in decided["people"]
    assert check.passed


@pytest.mark.slow
def test_people_may_make_a_champion_of_an_adapter_that_a_weak_metric_would_only_try(product):
    weak = primary(metric="likelihood_accuracy", strength="CANARY", against=BASE)
    ranked = {"candidate-base": comparison("base", likelihood_accuracy=span(0.3, 0.2, 0.4), kl=span(3.0, 2.5, 3.5))}
    won = [ClusterDifference(cluster=f"c{n}", difference=1.0, source="test") for n in range(60)]
    lines = drawn(product, chosen=weak, comparisons=ranked)
    shown_to_nobody(product, chosen=weak, comparisons=ranked, differences=won)
    canary, _ = product.decide(LATER)
    assert canary["verdict"] == "CANARY" and "So far there are 0 of 50 human labels." in canary["reasons"]
    product.land(LATER, [verdict_of(line, good=n % 4 > 0) for n, line in enumerate(lines)])
    assert product.decide(LATER)[0]["verdict"] == "PROMOTE"


JUDGED = primary(metric="judged_win_rate", strength="PROMOTE", against=BASE, judge="tiny-judge", rubric="r")
NET = {"candidate-base": comparison("base", judged_win_rate=span(0.4, 0.2, 0.6))}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "expected"),
    [(JUDGED, "INSUFFICIENT"), (primary(against=BASE), "REJECT")],
)
def test_people_who_find_it_worse_veto_what_a_judge_or_metric_would_promote(product, metric, expected):
    """The judge prefers ours on 80 %, people on 25 %. Where it decides, the two disagree; else people veto."""
    judge = [1.0] * 96 + [0.0] * 24 if metric is JUDGED else None
    changes = {"comparisons": NET} if metric is JUDGED else {}
    won = [ClusterDifference(cluster=f"c{n}", difference=1.0, source="fresh", log_length_ratio=0.0) for n in range(60)]
    lines = drawn(product, count=120, chosen=metric, judged=judge, **changes)
    shown_to_nobody(product, chosen=metric, differences=won, **changes)
    assert product.decide(LATER)[0]["verdict"] == "PROMOTE"
    product.paths.champion().unlink()
    product.land(LATER, [verdict_of(line, good=n % 4 == 0) for n, line in enumerate(lines)])
    decided, _ = product.decide(LATER)
    assert decided["verdict"] == expected and read_champion(product.paths) is None
    if metric is JUDGED:
        assert "The judge and people disagree: on pairs of one kind its win rate is 0.800" in decided["reasons"]
    else:
        assert "Win rate by people: 0.250, minimum 0.500: fail." in decided["reasons"]


@pytest.mark.slow
def test_a_label_given_twice_counts_once_and_those_of_several_people_are_averaged(product):
    lines = drawn(product)
    once = [verdict_of(line, user="ann") for line in lines]
    product.land(day_after(), [verdict_of(line, good=False, user="ann") for line in lines])
    # Ann changes her mind, and sends the file twice; Tom disagrees on ten pairs.
    product.land(LATER, once + once, name="a.jsonl")
    product.land(LATER, [verdict_of(line, good=False, user="tom") for line in lines[:10]], name="b.jsonl")
    shown_to_nobody(product)
    decided, _ = product.decide(LATER)
    assert decided["labels"] == 60
    assert "2 people" in decided["people"] and "win rate 0.917" in decided["people"]


@pytest.mark.slow
def test_an_empty_verdict_takes_back_ones_own_label_and_nobody_elses(product):
    lines = drawn(product)
    product.land(day_after(), [verdict_of(line, user="ann") for line in lines[:20]])
    product.land(LATER, [line | {"user_id": "ann"} for line in lines[:5]] + lines[5:])
    shown_to_nobody(product)
    assert product.decide(LATER)[0]["labels"] == 15


@pytest.mark.slow  # Several seconds of CPU.
def test_labels_of_what_was_never_shown_are_named_and_not_counted(product):
    lines = drawn(product, count=60, per_night=55)
    asked = {line["interaction_id"] for line in lines}
    rest = next(row["pair_id"] for row in table(product) if row["pair_id"] not in asked)
    good = verdict_of(lines[0])
    strangers = [
        good | {"interaction_id": rest},
        good | {"interaction_id": good["interaction_id"][:-2] + "zz"},
        verdict_of(lines[1]) | {"first_output": "A good answer that nobody gave."},
    ]
    product.land(LATER, [*strangers, *(verdict_of(line) for line in lines[2:])])
    shown_to_nobody(product)
    decided, check = product.decide(LATER)
    assert decided["labels"] == 53
    assert not check.passed and check.severity.value == "WARN"
    assert check.description.startswith("3 labels are not counted: their pairs were never shown")


@pytest.mark.slow
def test_labels_of_an_epoch_that_has_ended_are_neither_counted_nor_a_fault(product):
    lines = drawn(product)
    product.land(LATER, [verdict_of(line) for line in lines])
    shown_to_nobody(product, chosen=primary(day=LATER, against=BASE))
    decided, check = product.decide(LATER)
    assert "labels" not in decided and check.passed


@pytest.mark.slow  # Several seconds of CPU.
def test_a_verdict_that_is_none_is_rejected_and_a_label_is_no_feedback_on_an_answer(product):
    lines = drawn(product, count=4, per_night=4)
    product.land(LATER, [lines[0] | {"verdict": "A"}, verdict_of(lines[1]), lines[2] | {"verdict": "Tie"}])
    lake = Lake(product.paths.lake_url)
    (rejected,) = lake.read(REJECTED_RECORDS, [date.fromisoformat(LATER)]).to_table().to_pylist()
    assert rejected["detail"] == "verdict 'a' is none of first, second, tie"
    rows = lake.read(FEEDBACK, [date.fromisoformat(LATER)]).to_table().to_pylist()
    assert {(row["kind"], row["value"], row["preferred"] is None) for row in rows} == {
        ("preference", None, False),
        ("preference", 0.5, True),
    }
    result = product.run(LATER, *INGESTION, "interaction_features", "rated_interactions")
    assert result.success
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert checks["feedback_has_answers"].metadata["feedback_events"].value == 0
