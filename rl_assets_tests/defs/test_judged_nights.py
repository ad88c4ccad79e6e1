"""Nights that a judge decides: who follows length is refused, and a planted better adapter is promoted."""

import json
import math
import shutil
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest

from rl_assets.defs.annotation.judge import JudgeResource
from rl_assets.evaluation.promotion.epochs import primary_of_epoch
from rl_assets.evaluation.run.differences import judged_differences
from rl_assets.evaluation.run.evaluate import judge_preferences
from rl_assets.evaluation.run.guarded import Answered, guarded_values
from rl_assets.evaluation.run.inputs import Item, Pair, held_out_pairs
from rl_assets.evaluation.run.rungs import Logged, choose_primary
from rl_assets.evaluation.schema.report import JudgeResult
from rl_assets.judging.pairwise import AnswerPair
from rl_assets.judging.summary import JudgeVerdicts, compare_by_judge
from rl_assets.models.generation import Answer
from rl_assets.settings import Settings
from rl_assets_tests.support.biased_judges import SPREAD, knows_its_probes, longer_wins, swayed
from rl_assets_tests.support.evaluation_folders import dataset, dpo_row
from rl_assets_tests.support.evaluation_samples import DAY, comparison, report
from rl_assets_tests.support.judge_server import serving
from rl_assets_tests.support.planted_nights import decide_night, of_adapter, planted_adapter
from rl_assets_tests.support.reports_home import metadata, run, settings

__all__ = ["settings"]

Turn = tuple[dict[str, str], ...]
DUELS = 60
PEOPLE = 60


def people_of_pandalm(folder: Path) -> list[Pair]:
    """Pairs of answers with the one first that most of three annotators chose; ties are left out."""
    rows = [json.loads(line) for line in (folder / "pref-pandalm" / "pairs.jsonl").open(encoding="utf-8")]
    pairs = []
    for row in rows:
        votes = [row[f"annotator{who}"] for who in (1, 2, 3)]
        chosen = next((side for side in (1, 2) if votes.count(side) > 1), None)
        if chosen and row["response1"] and row["response2"]:
            prompt = {"role": "user", "content": f"{row['instruction']}\n{row['input']}"}
            sides = row[f"response{chosen}"], row[f"response{3 - chosen}"]
            pairs.append(Pair((prompt,), *sides, row["instruction"], None, None))
    return pairs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("judge_is", "because"),
    [
        (longer_wins, "constant reply that says nothing"),
        (knows_its_probes, "follows length: it agrees with people on 1.00"),
    ],
)
def test_a_judge_that_prefers_the_longer_answer_is_refused_on_what_people_chose(
    make_judge, published_data: Path, judge_is, because: str
):
    judge, _ = make_judge(judge_is)
    pairs = people_of_pandalm(published_data)
    found = judge_preferences(judge, pairs, 150)
    assert found is not None and found.win_rate is not None and found.clusters >= 50
    primary = choose_primary(Logged([], [], "tiny-judge", found), "judged_win_rate", DAY, "base", "b" * 64)
    assert primary.metric is None
    assert because in primary.sentence()
    # What it would gain by raw agreement alone, with pairs left in which people chose the longer answer.
    flattering = [pair for pair in pairs if len(pair.chosen) > len(pair.rejected) or pair.cluster[0] < "F"]
    agreed = judge_preferences(judge, flattering, 150)
    assert agreed is not None and agreed.win_rate is not None and agreed.win_rate.mean > 0.6
    still = choose_primary(Logged([], [], "tiny-judge", agreed), "judged_win_rate", DAY, "base", "b" * 64)
    assert still.metric is None


def test_pairs_that_a_judge_decided_say_nothing_about_people(make_judge, tmp_path: Path):
    judge, server = make_judge(swayed)
    rows = [
        dpo_row(f"p{n}", f"Question {n}?", "good", "bad", strategy="judge", reward_source="judge") for n in range(60)
    ]
    made = dataset(tmp_path / "dpo_dataset" / DAY, test=rows)
    assert judge_preferences(judge, held_out_pairs(made, None), 100) is None
    assert not server.asked


def text(random: Random, quality: int, longer: float = 0.0) -> str:
    """An answer of a quality, of some 200 characters; `longer` is in logarithms."""
    length = int(200 * math.exp(random.gauss(longer, SPREAD / math.sqrt(2))))
    words = " ".join(str(random.randrange(1000)) for _ in range(400))
    return f"quality {quality}: {words}"[: max(60, length)]


def human_pairs(swapped: bool) -> list[Pair]:
    """What people chose: the better answer, whichever is longer; swapped labels name the worse one."""
    random, pairs = Random(1), []
    for n in range(PEOPLE):
        sides = [text(random, quality) for quality in (2, 0)]
        prompt: Turn = ({"role": "user", "content": f"Labelled {n}?"},)
        pairs.append(Pair(prompt, *(sides[::-1] if swapped else sides), f"p{n}", None, None))
    return pairs


class JudgedProduct:
    """A product of free-form answers with one adapter, whose answers are planted each night."""

    def __init__(self, home: Path, judge, quality: int, longer: float, swapped: bool = False) -> None:
        self.settings, self.judge = Settings(home=home), judge
        self.adapter = planted_adapter(self.settings.paths, "planted")
        self.quality, self.longer, self.swapped = quality, longer, swapped
        self.raw_rates: list[float] = []

    def night(self, number: int) -> tuple[str, str]:
        """The verdict on a night of new prompts, and its reasons."""
        random, day = Random(100 + number), str(date.fromisoformat(DAY) + timedelta(days=number))
        prompts: list[Turn] = [({"role": "user", "content": f"Question {number}.{n}?"},) for n in range(DUELS)]
        ours = [text(random, self.quality, self.longer) for _ in prompts]
        theirs = [text(random, 0) for _ in prompts]
        items = [Item(prompt, (ours[0],), prompt[0]["content"], None, None) for prompt in prompts]
        preferences = judge_preferences(self.judge, human_pairs(self.swapped), 100)
        logged = Logged(items, [], "tiny-judge", preferences)
        primary = primary_of_epoch(
            self.settings.paths.metric_of_epoch(),
            lambda: choose_primary(logged, "auto", day, "base", "b" * 64),
            None,
            keep=True,
        )
        duels = [
            AnswerPair(item.prompt, own, other, item.cluster)
            for item, own, other in zip(items, ours, theirs, strict=True)
        ]
        verdicts = compare_by_judge(self.judge, "candidate", "base", duels)
        self.raw_rates.append(verdicts.win_rate.mean)
        compared = comparison("base").model_copy(update={"guarded": self._guarded(items, ours, theirs)})
        whole = report(
            day=day,
            primary=primary,
            judge=JudgeResult(pairwise=verdicts, preferences=preferences),
            comparisons={"candidate-base": compared},
        )
        shown = decide_night(self.settings, of_adapter(whole, self.adapter), self._differences(verdicts))
        return shown["verdict"], shown["reasons"]

    def _guarded(self, items: list[Item], ours: list[str], theirs: list[str]):
        sides = [[Answer(answer, len(answer) // 4, True, 10) for answer in side] for side in (ours, theirs)]
        return guarded_values(Answered(items, *sides), None)

    def _differences(self, verdicts: JudgeVerdicts):
        return judged_differences(verdicts, test=set())


def nights(product: JudgedProduct, count: int) -> list[tuple[str, str]]:
    """The nights until a promotion, at most `count`."""
    found: list[tuple[str, str]] = []
    while len(found) < count and not (found and found[-1][0] == "PROMOTE"):
        found.append(product.night(len(found)))
    return found


@pytest.mark.slow
def test_a_planted_better_adapter_is_promoted_by_a_judge_whom_people_have_confirmed(make_judge, tmp_path: Path):
    judge, _ = make_judge(swayed)
    found = nights(JudgedProduct(tmp_path, judge, quality=1, longer=0.0), 8)
    assert found[-1][0] == "PROMOTE", found
    assert "Net win rate by the judge against the base" in found[-1][1]
    assert all(verdict in ("HOLD", "INSUFFICIENT") for verdict, _ in found[:-1])


@pytest.mark.slow
def test_a_planted_longer_adapter_is_not_promoted_though_the_judge_prefers_its_answers(make_judge, tmp_path: Path):
    judge, _ = make_judge(swayed)
    product = JudgedProduct(tmp_path, judge, quality=0, longer=SPREAD)
    found = nights(product, 5)
    assert {verdict for verdict, _ in found} <= {"HOLD", "INSUFFICIENT"}, found
    why = ("not shown", "cannot be balanced", "not counted yet")
    assert all(any(cause in reasons for cause in why) for _, reasons in found), found
    assert sum(product.raw_rates) / len(product.raw_rates) > 0.6


@pytest.mark.slow
def test_labels_that_contradict_the_judge_promote_nothing(make_judge, tmp_path: Path):
    judge, _ = make_judge(swayed)
    found = nights(JudgedProduct(tmp_path, judge, quality=1, longer=0.0, swapped=True), 2)
    assert [verdict for verdict, _ in found] == ["INSUFFICIENT"] * 2
    assert "tiny-judge follows length" in found[0][1] or "agrees with people on" in found[0][1]


@pytest.mark.training
def test_a_report_with_a_judge_that_people_contradict_says_so_in_a_check_and_decides_nothing(
    settings: Settings, published_data: Path
):
    """The judge knows its test questions and prefers the longer answer of every other pair."""
    pairs = {pair.cluster: pair for pair in people_of_pandalm(published_data) if len(pair.chosen + pair.rejected) < 600}
    rows = [
        dpo_row(f"p{n}", pair.prompt[0]["content"], pair.chosen, pair.rejected) for n, pair in enumerate(pairs.values())
    ]
    made = dataset(settings.home / "people" / "dpo_dataset" / DAY, test=rows[:70])
    shutil.copy(made / "test.parquet", settings.paths.datasets("dpo_dataset", DAY) / "test.parquet")
    with serving(knows_its_probes) as server:
        judge = JudgeResource(base_url=server.url, model="tiny-judge")
        assets = ("eval_report", "decision_evidence", "promotion_decision")
        result = run(settings, *assets, judge=judge, primary="judged_win_rate")
    shown = metadata(result, "promotion_decision")
    assert shown["verdict"] == "INSUFFICIENT"
    assert "tiny-judge follows length: it agrees with people on 1.00" in shown["reasons"]
    (check,) = [each for each in result.get_asset_check_evaluations() if each.check_name == "judge_is_reliable"]
    assert not check.passed
    assert any("It follows length" in problem for problem in check.metadata["problems"].value)
