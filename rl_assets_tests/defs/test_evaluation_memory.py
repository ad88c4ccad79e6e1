"""Evaluation where memory is short: the candidate's quantization, batches that are halved, and what it says if not."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest

from rl_assets.definitions import build_defs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.report.files import read_report
from rl_assets.models.adapters import newest_adapter
from rl_assets.settings import Settings
from rl_assets_tests.support.evaluation_folders import dataset, dpo_row, sft_row
from rl_assets_tests.support.evaluation_samples import DAY, html_page
from rl_assets_tests.support.reports_home import metadata, run, settings

__all__ = ["settings"]
MANUAL = "Which colour has the rotor in drawer 1? It says: " + "the rotor is red. " * 900


def answers(settings: Settings) -> list[tuple[str, str]]:
    rows = pq.read_table(settings.paths.reports(DAY) / "answers.parquet").to_pylist()
    return [(row["agent"], row["answer"]) for row in rows]


def failures(result: dg.ExecuteInProcessResult) -> list[str]:
    events = [event for event in result.all_events if event.is_step_failure]
    return [event.step_failure_data.error.to_string() for event in events]


def retries(result: dg.ExecuteInProcessResult) -> int:
    return sum(event.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY for event in result.all_events)


def with_memory_for(monkeypatch: pytest.MonkeyPatch, rows: int) -> list[int]:
    """Forward passes of more rows fail as they do on a full GPU; the sizes of those that did not."""
    import torch
    from transformers import LlamaForCausalLM

    forward, sizes = LlamaForCausalLM.forward, list[int]()

    def limited(self: Any, input_ids: Any = None, **kwargs: Any) -> Any:
        if input_ids.shape[0] > rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
        sizes.append(input_ids.shape[0])
        return forward(self, input_ids=input_ids, **kwargs)

    monkeypatch.setattr(LlamaForCausalLM, "forward", limited)
    return sizes


def test_an_evaluation_that_runs_out_of_memory_goes_on_with_smaller_batches(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    assert run(settings, "eval_report").success
    roomy, written = read_report(settings.paths.reports(DAY)), answers(settings)
    sizes = with_memory_for(monkeypatch, 2)
    assert run(settings, "eval_report").success
    assert answers(settings) == written and max(sizes) == 2
    tight = read_report(settings.paths.reports(DAY))
    for role, model in roomy.models.items():
        found = tight.models[role].metrics
        assert {n: m.mean for n, m in found.items()} == pytest.approx({n: m.mean for n, m in model.metrics.items()})


def test_memory_for_not_even_one_row_is_told_once_with_what_to_do(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    with_memory_for(monkeypatch, 0)
    result = run(settings, "eval_report")
    (told,) = failures(result)
    assert "does not fit the memory (CUDA out of memory. Tried to allocate 20.00 MiB)" in told and "nf4" in told
    assert not result.success and retries(result) == 0


def test_an_altered_adapter_is_told_once(settings: Settings, candidate):
    weights = newest_adapter(settings.paths.adapters(), "dpo", DAY).folder / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes() + b" ")
    result = run(settings, "eval_report")
    (told,) = failures(result)
    assert "the file was altered" in told and retries(result) == 0


def quantize(settings: Settings, kind: str) -> None:
    """Make the day's adapter of that kind one that was trained on a base of 4 bits."""
    manifest = newest_adapter(settings.paths.adapters(), kind, DAY).folder / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps(content | {"recipe": {"quantization": "nf4"}}), encoding="utf-8")


def test_an_adapter_of_a_quantized_base_is_evaluated_on_it(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    from transformers import LlamaForCausalLM

    forward, weights = LlamaForCausalLM.forward, set[str]()

    def noting(self: Any, *args: Any, **kwargs: Any) -> Any:
        layer = self.model.layers[0].mlp.up_proj
        weights.add(type(getattr(layer, "base_layer", layer).weight).__name__)
        return forward(self, *args, **kwargs)

    assert run(settings, "eval_report").success
    plain = read_report(settings.paths.reports(DAY))
    quantize(settings, "dpo")
    monkeypatch.setattr(LlamaForCausalLM, "forward", noting)
    assert run(settings, "eval_report").success
    assert weights == {"Params4bit"}
    report = read_report(settings.paths.reports(DAY))
    assert (plain.lineage.quantization, report.lineage.quantization) == (None, "nf4")
    assert report.candidate.metrics["log_perplexity"].mean != plain.candidate.metrics["log_perplexity"].mean
    (on_it, trained_otherwise) = [note for note in report.notes if "quantiz" in note]
    assert on_it.startswith("All models answered on the base quantized to nf4, as the candidate was trained")
    assert trained_otherwise.endswith("than the candidate's (nf4): the parent (not quantized).")
    assert not any("quantiz" in note for note in plain.notes)
    assert "tiny, quantized to nf4" in html_page(report)


def with_long_prompts(settings: Settings) -> None:
    """Datasets whose test splits hold two prompts that no context of 2,048 tokens holds."""
    rows = [sft_row(f"k{n}", f"Which colour has drawer {n}?", f"red {n}") for n in range(4)]
    pairs = [dpo_row("p", "Which colour?", "red", "blue"), dpo_row("long", MANUAL, "red", "blue")]
    made = settings.home / "long"
    dataset(made / "sft_dataset", test=[*rows, sft_row("long", MANUAL, "red 1")])
    dataset(made / "dpo_dataset", test=pairs)
    for name in ("sft_dataset", "dpo_dataset"):
        for file in (made / name).iterdir():
            (settings.home / "datasets" / name / DAY / file.name).write_bytes(file.read_bytes())


def test_prompts_that_exceed_the_context_are_left_out_and_counted(settings: Settings):
    with_long_prompts(settings)
    assert run(settings, "eval_report").success
    report = read_report(settings.paths.reports(DAY))
    assert (report.held_out.items, report.held_out.too_long) == (4, 2)
    said = "2 held-out rows exceed the context of 2,048 tokens, with room for answers of 48, and were dropped."
    assert said in report.notes


def test_the_report_of_quantized_loads_leaves_them_out_too_and_is_measured_as_the_evaluation_is(settings: Settings):
    with_long_prompts(settings)
    defs = build_defs(resources={"home": HomeResource.from_settings(settings)}, executor=dg.in_process_executor)
    assert run(settings, "eval_report").success
    job = defs.resolve_implicit_global_asset_job_def()
    keys = [dg.AssetKey("quantized_model")]
    result = job.execute_in_process(partition_key=DAY, asset_selection=keys)
    assert result.success
    shown = metadata(result, "quantized_model")
    assert (shown["items"], shown["too_long"], shown["max_new_tokens"]) == (4, 1, 48)
    assert "Exact match" in shown["loads"] and "Log perplexity" in shown["loads"]
    content = json.loads(Path(shown["dagster/uri"]).read_text(encoding="utf-8"))
    report = read_report(settings.paths.reports(DAY))
    assert content["decides"] == report.primary.metric == "exact_match"
    sixteen, _, four = content["loads"]
    reported = report.candidate.metrics
    assert set(sixteen["metrics"]) >= {"exact_match", "token_f1", "log_perplexity"}
    for name in ("exact_match", "token_f1", "log_perplexity"):
        assert sixteen["metrics"][name]["mean"] == pytest.approx(reported[name].mean, rel=0.02)
    unchanged = four["changes"]["exact_match"]
    assert (unchanged["mean"], unchanged["low"], unchanged["high"]) == pytest.approx((0, -0.602, 0.602), abs=1e-3)


def test_the_report_says_how_many_answers_of_each_model_were_cut_off(settings: Settings):
    assert run(settings, "eval_report").success
    report = read_report(settings.paths.reports(DAY))
    cut = {role: model.unfinished_answers for role, model in report.models.items()}
    assert set(cut) == {"base", "parent", "candidate"} and all(cut.values())
    assert f"Unfinished answers (limit {report.held_out.max_new_tokens} tokens)" in html_page(report)
    assert "6 of 6 (100%)" in html_page(report)
    assert any(
        note.startswith("Answers were cut off at 48 new tokens, the room of all models: ") for note in report.notes
    )
