import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from rl_assets.evaluation.promotion.decide import decide
from rl_assets.evaluation.promotion.rules import PromotionRules
from rl_assets.evaluation.report.files import read_report, write_report
from rl_assets.evaluation.run.evaluate import evaluate
from rl_assets.evaluation.run.inputs import EvalInputs
from rl_assets.evaluation.run.models import EvaluatedModels
from rl_assets.evaluation.schema.report import EvalReport
from rl_assets_tests.support.evaluation_folders import parts_datasets
from rl_assets_tests.support.evaluation_samples import DAY, evidence_of_nights, html_page
from rl_assets_tests.support.evaluations import evaluated, evaluation


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, base, candidate, parent) -> tuple[EvalReport, list[str]]:
    """A champion that is the parent: three distinct models in four roles."""
    return evaluated(tmp_path_factory.mktemp("full"), base, candidate, parent, parent)


def test_every_role_has_metrics_and_every_pair_its_difference(full):
    found, _ = full
    assert list(found.models) == ["base", "parent", "champion", "candidate"]
    assert list(found.comparisons) == [
        "candidate-base",
        "candidate-parent",
        "candidate-champion",
        "parent-base",
        "parent-champion",
    ]
    sample = found.held_out
    assert (sample.items, sample.clusters, sample.pairs, sample.too_long) == (6, 6, 3, 0)
    assert found.contamination.prompts == []
    assert found.candidate.metrics["json_validity"].n == 6
    assert found.candidate.metrics["perplexity"].mean > 1
    assert found.training[0].loss_curve == [(1, 2.0), (2, 1.5), (3, 1.25)]
    assert found.lineage.datasets[0].rows["test"] == 6


def test_a_model_in_two_roles_is_evaluated_once_and_differs_in_nothing_from_itself(full):
    found, lines = full
    assert sum(line == "answered 6 prompts" for line in lines) == 3
    assert found.models["parent"].metrics == found.models["champion"].metrics
    assert found.comparisons["candidate-parent"].differences == found.comparisons["candidate-champion"].differences


def test_the_base_has_no_preference_against_itself(full):
    found, _ = full
    assert "preference_accuracy" not in found.models["base"].metrics
    assert "likelihood_accuracy" in found.models["base"].metrics
    assert "preference_over_parent" in found.candidate.metrics
    assert "preference_accuracy" not in found.comparisons["candidate-base"].differences


def test_latency_is_measured_over_at_least_20_requests_and_in_turns_with_the_champion(full):
    found, _ = full
    assert found.candidate.latency is not None
    assert found.candidate.latency.requests >= 20
    assert found.candidate.latency.p50_ms <= found.candidate.latency.p95_ms
    assert found.latency_ratio is not None
    assert (found.latency_ratio.against, found.latency_ratio.equal_work) == ("champion", False)


def test_a_real_report_is_written_and_read_back(full, tmp_path: Path):
    found, _ = full
    write_report(found, tmp_path / DAY)
    assert read_report(tmp_path / DAY) == found


def test_quality_metrics_repeat_exactly(full, tmp_path: Path, base, candidate, parent):
    again, _ = evaluated(tmp_path, base, candidate, parent, parent)
    first, _ = full
    assert again.comparisons == first.comparisons
    assert again.held_out.worst_answers == first.held_out.worst_answers


def test_a_first_adapter_is_compared_with_the_base_alone(tmp_path: Path, base, parent):
    whole, _ = evaluation(tmp_path, EvaluatedModels(base, parent), 3)
    found = whole.report
    assert list(found.comparisons) == ["candidate-base"]
    assert found.latency_ratio is not None
    assert (found.latency_ratio.against, found.latency_ratio.equal_work) == ("base", True)
    tonight = evidence_of_nights({date.fromisoformat(DAY): whole.differences["candidate"]})
    (reason,) = decide(found, None, PromotionRules(), tonight).reasons
    assert reason.startswith("There are 3 held-out clusters; a decision takes 50. At 3 a night")


def test_a_champion_of_another_base_is_not_evaluated(tmp_path: Path, base, candidate, parent):
    foreign = replace(parent, base_sha256="0" * 64)
    found, _ = evaluated(tmp_path, base, candidate, None, foreign, items=3)
    assert "champion" not in found.models
    assert found.lineage.champion_base_sha256 == "0" * 64
    assert "The champion aaaa belongs to another base model and was not evaluated." in found.notes


def test_the_champion_as_candidate_differs_in_nothing_from_itself(tmp_path: Path, base, candidate):
    found, _ = evaluated(tmp_path, base, candidate, None, candidate, items=3)
    differences = found.comparisons["candidate-champion"].differences.values()
    assert {difference.mean for difference in differences} == {0.0}
    assert found.comparisons["candidate-champion"].minimum_detectable_effect is None
    assert found.latency_ratio is None


def test_a_dataset_without_manifest_is_named(tmp_path: Path, base, candidate):
    sft, dpo = parts_datasets(tmp_path, 2)
    (dpo / "manifest.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"there is no dataset in .*dpo_dataset"):
        evaluate(DAY, EvaluatedModels(base, candidate), EvalInputs(sft_folder=sft, dpo_folder=dpo), print)


def test_without_a_judge_the_report_says_so(full):
    found, _ = full
    assert found.judge.pairwise is None and "No judge is configured" in html_page(found)
    assert "No judge is configured: there are automatic metrics only." in found.notes


def test_the_report_keeps_to_its_schema_and_the_schema_lies_next_to_it(full, tmp_path):
    from jsonschema import Draft202012Validator

    write_report(full[0], tmp_path)
    schema = json.loads((tmp_path / "report.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads((tmp_path / "report.json").read_text(encoding="utf-8")))
    assert not Draft202012Validator(schema).is_valid({"day": "2026-10-14"})
