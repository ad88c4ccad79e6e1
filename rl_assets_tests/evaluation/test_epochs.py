"""The metric of an epoch: kept in a file until the champion, the base or the judge changes, or a reason is given."""

import pytest

from rl_assets.evaluation.promotion.epochs import primary_of_epoch, read_primary
from rl_assets.judging.pairwise import rubric_hash
from rl_assets.models.adapters import AdapterReference
from rl_assets_tests.support.evaluation_samples import DAY, primary


def settled(path, reason=None, keep=True, **changes):
    return primary_of_epoch(path, lambda: primary(**changes), reason, keep)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "reports" / "metric" / "product.json"
    settled(path)
    return path


def test_the_first_choice_is_kept_and_the_next_night_follows_it(file):
    before = file.read_bytes()
    later = settled(file, day="2026-10-15", metric="field_f1", why="looks better tonight")
    assert later == primary()
    assert file.read_bytes() == before


@pytest.mark.parametrize("changes", [{"against": "champion"}, {"base": "c" * 64}])
def test_a_new_champion_or_base_begins_a_new_epoch(file, changes):
    assert settled(file, metric="field_f1", day="2026-10-15", **changes).metric == "field_f1"
    assert read_primary(file).day == "2026-10-15"


def test_another_judge_begins_a_new_epoch_only_where_a_judge_decides(tmp_path, file):
    assert settled(file, judge="second", metric="field_f1").metric == "exact_match"
    judged = tmp_path / "judged.json"
    settled(judged, metric="judged_win_rate", judge="first")
    assert settled(judged, metric="task_success", judge="first", day="2026-10-15").metric == "judged_win_rate"
    assert settled(judged, metric="task_success", judge="second", day="2026-10-15").metric == "task_success"


def test_another_rubric_begins_a_new_epoch_only_where_a_judge_decides(tmp_path, file):
    assert settled(file, rubric="second", metric="field_f1").metric == "exact_match"
    judged = tmp_path / "judged.json"
    first = settled(judged, metric="judged_win_rate", judge="first", rubric=rubric_hash())
    assert settled(judged, metric="judged_win_rate", judge="first", rubric=rubric_hash(), day="2026-10-15") == first
    other = rubric_hash("Judge by politeness.")
    changed = settled(judged, metric="judged_win_rate", judge="first", rubric=other, day="2026-10-15")
    assert (changed.day, changed.rubric) == ("2026-10-15", other)
    assert changed.epoch != first.epoch and read_primary(judged) == changed


def test_another_reward_model_begins_a_new_epoch_only_where_a_reward_model_decides(tmp_path, file):
    one, two = (AdapterReference(inputs_hash=name, sha256=name * 64) for name in "ab")
    assert settled(file, reward_model=two, metric="field_f1").metric == "exact_match"
    path = tmp_path / "rewarded.json"
    first = settled(path, metric="reward_score", reward_model=one)
    assert settled(path, metric="task_success", reward_model=one, day="2026-10-15") == first
    changed = settled(path, metric="reward_score", reward_model=two, day="2026-10-15")
    assert (changed.day, changed.reward_model) == ("2026-10-15", two)
    assert changed.epoch != first.epoch and read_primary(path) == changed
    assert primary(reward_model=one).epoch == primary(reward_model=two).epoch


def test_users_take_over_from_a_metric_that_could_ask_for_a_canary_alone(tmp_path, file):
    of_users = {"metric": "served_reward", "canary": "product--dpo-0123456789ab", "day": "2026-10-15"}
    assert settled(file, **of_users).metric == "exact_match", "it may promote, so its epoch goes on"
    weak = tmp_path / "weak.json"
    settled(weak, metric="reward_score", strength="CANARY")
    assert settled(weak, **of_users | {"metric": "likelihood_accuracy"}).day == DAY, "too few are rated so far"
    taken = settled(weak, **of_users)
    assert (taken.metric, taken.strength, taken.day) == ("served_reward", "PROMOTE", "2026-10-15")


def test_an_epoch_of_users_goes_on_while_they_meet_the_same_canary(tmp_path):
    path, canary = tmp_path / "metric.json", "product--dpo-0123456789ab"
    first = settled(path, metric="served_reward", canary=canary)
    fewer = {"metric": "reward_score", "strength": "CANARY", "day": "2026-10-20"}
    assert settled(path, **fewer, canary=canary) == first, "the window holds fewer than 500 tonight"
    for other in (None, "product--dpo-ba9876543210"):
        settled(path, metric="served_reward", canary=canary, day="2026-10-18")
        assert settled(path, **fewer, canary=other).day == "2026-10-20"
        path.unlink()


def test_while_no_metric_decides_the_epoch_is_the_time_of_the_champion(tmp_path):
    path = tmp_path / "metric.json"
    nights = [settled(path, metric=None, strength=None, day=day) for day in ("2026-10-14", "2026-10-15")]
    assert nights[0].epoch == nights[1].epoch != settled(path, metric=None, strength=None, against="champion").epoch


def test_another_declared_metric_needs_a_reason_which_is_recorded(file):
    with pytest.raises(ValueError, match="Since 2026-10-14 exact_match decides against this champion"):
        settled(file, declared="field_f1", metric="field_f1")
    changed = settled(file, "answers are JSON since the new release", declared="field_f1", metric="field_f1")
    assert read_primary(file) == changed
    assert changed.sentence().endswith("It replaced another metric: answers are JSON since the new release")


def test_while_no_metric_decides_each_night_chooses_anew(tmp_path):
    path = tmp_path / "metric.json"
    settled(path, metric=None, strength=None)
    assert settled(path, day="2026-10-15").metric == "exact_match"


def test_a_backfill_and_an_older_day_change_no_record(file):
    before = file.read_bytes()
    assert settled(file, keep=False, against="champion", metric="field_f1").metric == "field_f1"
    assert settled(file, day="2026-09-01", against="champion", metric="field_f1").metric == "field_f1"
    assert file.read_bytes() == before


def test_a_damaged_record_is_named(file):
    file.write_text("{}")
    with pytest.raises(ValueError, match=r"product.json is no record of a metric: .*delete it to choose"):
        settled(file)
