"""Reports, decisions and judges as Dagster shows them, on a barely trained model."""

import dagster as dg

from rl_assets.definitions import build_defs
from rl_assets.defs.shared.partitions import BACKFILL
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.ab.report import read_ab_report
from rl_assets.evaluation.promotion.champion import promote, read_champion
from rl_assets.evaluation.promotion.decide import decide
from rl_assets.evaluation.promotion.rules import PromotionRules
from rl_assets.evaluation.report.files import read_report
from rl_assets.models.adapters import newest_adapter
from rl_assets.settings import Settings
from rl_assets_tests.support.evaluation_samples import DAY, SHOWN, random_adapter, report
from rl_assets_tests.support.reports_home import checks, make_convincing, metadata, run, settings

__all__ = ["settings"]


def test_agents_are_compared_and_the_report_lies_beside_the_evaluation(settings):
    result = run(settings, "ab_report")
    assert result.success and checks(result) == {"ab_report judge_is_reliable": True}
    (contest,) = read_ab_report(settings.paths.reports(DAY) / "ab").comparisons
    assert (contest.questions, contest.wins, contest.winner) == (5, 5, "ada")
    assert "ada" in metadata(result, "ab_report")["agents"]


def test_rolling_back_without_a_champion_fails_with_what_to_do(settings):
    result = roll_back(settings)
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "nothing to roll back to" in failure.step_failure_data.error.to_string()


def roll_back(settings: Settings) -> dg.ExecuteInProcessResult:
    defs = build_defs(resources={"home": HomeResource.from_settings(settings)}, executor=dg.in_process_executor)
    config = {"ops": {"restore_previous_champion": {"config": {"reason": "Wrong prices."}}}}
    return defs.resolve_job_def("rollback_champion").execute_in_process(run_config=config, raise_on_error=False)


def test_a_rollback_is_seen_on_the_decision_it_takes_back(settings, parent, candidate):
    lying_here = {
        adapter.kind: newest_adapter(settings.paths.adapters(), adapter.kind, DAY) for adapter in (parent, candidate)
    }
    for day, adapter in zip(("2026-10-01", "2026-10-02"), lying_here.values(), strict=True):
        decided = decide(report(), None, PromotionRules(), SHOWN)
        assert promote(settings.paths, decided.model_copy(update={"day": day, "candidate": adapter.sha256}), adapter)
    result = roll_back(settings)
    assert result.success
    champion = read_champion(settings.paths)
    assert champion is not None
    assert (champion.hash, champion.rolled_back[0].reason) == (parent.sha256, "Wrong prices.")
    (seen,) = [event for event in result.all_events if event.event_type is dg.DagsterEventType.ASSET_OBSERVATION]
    observation = seen.asset_observation_data.asset_observation
    assert (observation.asset_key.to_user_string(), observation.partition) == ("promotion_decision", "2026-10-02")


def test_a_report_leads_to_a_decision_that_stands_on_its_page(settings):
    result = run(settings, "eval_report", "promotion_decision")
    assert result.success
    assert metadata(result, "promotion_decision")["verdict"] == "INSUFFICIENT"
    assert checks(result) == {
        "eval_report no_test_prompt_was_trained_on": True,
        "eval_report judge_is_reliable": True,
        "promotion_decision labels_name_shown_pairs": True,
        "promotion_decision users_like_the_champion": True,
    }
    assert "INSUFFICIENT" in (settings.paths.reports(DAY) / "report.html").read_text(encoding="utf-8")
    assert read_champion(settings.paths) is None


def test_a_backfill_decides_and_promotes_nothing(settings):
    assert run(settings, "eval_report").success
    make_convincing(settings)
    of_backfill = metadata(run(settings, "promotion_decision", tags={BACKFILL: "abcdefgh"}), "promotion_decision")
    assert (of_backfill["verdict"], of_backfill["champion_changed"]) == ("PROMOTE", False)
    assert read_champion(settings.paths) is None
    assert metadata(run(settings, "promotion_decision"), "promotion_decision")["champion_changed"]
    assert read_champion(settings.paths) is not None


def test_another_adapter_may_be_the_candidate_and_be_promoted(settings, base, parent):
    """The decision follows the report: a GRPO adapter that is clearly better becomes champion, not the DPO one."""
    grpo = random_adapter(base, settings.paths.adapters() / "grpo" / "cccc", "grpo", seed=3, parent=parent)
    result = run(settings, "eval_report", "adapter_ab_report", candidate="grpo")
    assert result.success
    found = read_report(settings.paths.reports(DAY))
    assert (found.candidate.kind, found.models["parent"].kind) == ("grpo", "sft")
    make_convincing(settings)
    decided = run(settings, "promotion_decision")
    assert decided.success and metadata(decided, "promotion_decision")["adapter"] == "grpo"
    champion = read_champion(settings.paths)
    assert champion is not None and champion.hash == grpo.sha256


def test_the_days_adapters_are_compared_on_what_the_evaluation_generated(settings, base, parent):
    random_adapter(base, settings.paths.adapters() / "grpo" / "cccc", "grpo", seed=3, parent=parent)
    result = run(settings, "eval_report", "adapter_ab_report")
    assert result.success and "adapter_ab_report judge_is_reliable" in checks(result)
    found = read_ab_report(settings.paths.reports(DAY) / "ab-adapters")
    assert (found.answers, len(found.agents), len(found.comparisons)) == ("held-out prompts", 4, 6)
    assert "grpo cccc" in metadata(result, "adapter_ab_report")["agents"]


def test_a_segment_without_held_out_items_has_a_report_that_says_so(settings):
    result = run(settings, "eval_report", "adapter_ab_report", recipe="demo")
    assert result.success
    assert metadata(result, "eval_report")["headline"] == "There was no held-out item to evaluate on."
    assert metadata(result, "adapter_ab_report")["headline"].endswith("there is nothing to compare.")


def test_a_candidate_that_was_not_built_is_asked_for_by_name(settings):
    result = run(settings, "eval_report", candidate="kto")
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert (
        "has no kto adapter to evaluate; materialize kto_adapter first" in failure.step_failure_data.error.to_string()
    )


def test_a_bad_line_in_a_benchmark_fails_the_report_and_names_the_line(settings):
    (settings.home / "eval").mkdir()
    (settings.home / "eval" / "own.jsonl").write_text('{"prompt": "a"}', encoding="utf-8")
    result = run(settings, "eval_report")
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "own.jsonl, line 1" in failure.step_failure_data.error.to_string()
