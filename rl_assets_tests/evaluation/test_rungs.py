"""Which metric decides: by the logged held-out rows alone, the first of the ladder that they can feed."""

from dataclasses import replace

import pytest

from rl_assets.core.home import Home
from rl_assets.evaluation.run.inputs import Agreement, Item, Pair
from rl_assets.evaluation.run.rungs import Logged, choose_primary, ladder
from rl_assets.evaluation.schema.primary import Primary
from rl_assets.metrics.verifiers import inferred
from rl_assets_tests.support.evaluation_samples import DAY, agreement
from rl_assets_tests.support.reward_samples import both

SHORT = ["Port 7.", "Green", "On Mondays and Thursdays", "42"]
SOLUTIONS = ["Three and four make seven.\n#### 7", "Half of twelve is six.\n#### 6"]
OBJECTS = ['{"colour": "red", "size": 4}', '{"colour": "blue"}']
PROSE = ["The invoice is sent on the first of the month, and a reminder follows after two weeks if nobody has paid it."]


def items(references: list[str], count: int = 80) -> list[Item]:
    texts = [references[n % len(references)] for n in range(count)]
    return [
        Item(({"role": "user", "content": f"{n}?"},), (text,), f"c{n}", None, None, verifier=inferred([text]))
        for n, text in enumerate(texts)
    ]


def pairs(count: int) -> list[Pair]:
    return [Pair(({"role": "user", "content": f"{n}?"},), "good", "bad", f"p{n}", None, None) for n in range(count)]


def chosen(logged: Logged, declared: str = "auto") -> Primary:
    return choose_primary(logged, declared, DAY, "base", "b" * 64)


@pytest.mark.parametrize(
    ("logged", "metric", "strength"),
    [
        (Logged(items(SOLUTIONS), []), "task_success", "PROMOTE"),
        (Logged(items(OBJECTS), []), "field_f1", "PROMOTE"),
        (Logged(items(SHORT), []), "exact_match", "PROMOTE"),
        (Logged(items(PROSE), pairs(60), "judge", agreement(0.8, 0.7)), "judged_win_rate", "PROMOTE"),
        (Logged(items(PROSE), pairs(60), "judge", agreement(0.8, 0.7, clusters=23)), "judged_win_rate", "CANARY"),
        (Logged(items(PROSE), pairs(60)), "likelihood_accuracy", "CANARY"),
        (Logged(items(PROSE), pairs(49)), None, None),
        (Logged([], []), None, None),
    ],
)
def test_auto_takes_the_strongest_metric_that_the_rows_can_feed(logged, metric, strength):
    assert (chosen(logged).metric, chosen(logged).strength) == (metric, strength)


def test_a_few_long_references_among_short_ones_do_not_change_the_metric():
    assert chosen(Logged(items(SHORT, 80) + items(PROSE, 20), [])).metric == "exact_match"
    assert chosen(Logged(items(SHORT, 79) + items(PROSE, 21), [])).metric is None


def test_free_texts_whose_good_answers_agree_have_one_right_answer():
    assert chosen(Logged(items(PROSE), [], agreement=Agreement(20, 10))).metric == "exact_match"
    for too_little in (Agreement(19, 19), Agreement(20, 9)):
        assert chosen(Logged(items(PROSE), [], agreement=too_little)).metric is None
    assert chosen(Logged([], [], agreement=Agreement(20, 20))).metric is None


def test_a_judge_that_follows_length_does_not_promote_whatever_its_agreement():
    primary = chosen(Logged(items(PROSE), pairs(40), "judge", agreement(1.0, 0.45)))
    assert primary.metric is None
    follows = "follows length: it agrees with people on 1.00 where they chose the longer answer, and on 0.45"
    assert follows in primary.sentence()
    too_few = chosen(Logged(items(PROSE), pairs(40), "judge", agreement(1.0, 0.45, clusters=23)))
    assert (too_few.metric, too_few.strength) == ("judged_win_rate", "CANARY")
    assert too_few.why == "judge is validated on 23 of 50 human preferences"


def test_an_unreliable_judge_does_not_decide():
    primary = chosen(Logged(items(PROSE), pairs(60), "judge", agreement(0.8, 0.7, problems=["It contradicts itself."])))
    assert primary.metric == "likelihood_accuracy"


def test_a_declared_metric_decides_or_says_what_it_lacks():
    assert chosen(Logged(items(SOLUTIONS), pairs(60)), "likelihood_accuracy").metric == "likelihood_accuracy"
    without = chosen(Logged(items(PROSE), pairs(60)), "exact_match")
    assert without.metric is None
    assert without.sentence().startswith(
        "The declared metric cannot decide on these answers. "
        "Exact match: 0 of 80 held-out prompts have references of at most 8 words; 80% are needed, or two good answers "
        "to one prompt agree in 0 of 0 clusters; 50% of 20 or more are needed. Provide"
    )


def test_without_a_metric_the_sentence_names_what_each_lacks_and_what_to_provide():
    sentence = chosen(Logged(items(PROSE), pairs(12))).sentence()
    assert "0 of 80 held-out prompts have a verifier" in sentence
    assert "Net win rate by the judge: no judge is configured." in sentence
    assert "12 held-out prompts have two rated answers; 50 are needed" in sentence
    assert "RL_ASSETS_JUDGE_BASE_URL" in sentence


def test_the_ladder_lists_every_metric_once():
    names = [rung.metric for rung in ladder(Logged([], []))]
    by_rule = ["task_success", "field_f1", "exact_match"]
    assert names == ["served_reward", *by_rule, "judged_win_rate", "reward_score", "likelihood_accuracy"]


def test_two_reward_models_ask_for_a_canary_where_no_judge_can(tmp_path):
    logged = Logged(items(PROSE), pairs(60), reward=both(Home(tmp_path)))
    primary = chosen(logged)
    assert (primary.metric, primary.strength) == ("reward_score", "CANARY")
    assert primary.reward_model.sha256 == logged.reward.first.sha256
    assert chosen(replace(logged, judge="judge", preferences=agreement(0.8, 0.7))).metric == "judged_win_rate"


def test_a_lone_reward_model_decides_nothing_and_the_sentence_says_what_to_set(tmp_path):
    alone = Logged(items(PROSE), pairs(60), reward=replace(both(Home(tmp_path)), second=None))
    assert chosen(alone).metric == "likelihood_accuracy"
    declared = chosen(alone, "reward_score")
    assert declared.metric is None
    assert "no second reward model learned from the other half of its pairs: set `half: first`" in declared.sentence()
