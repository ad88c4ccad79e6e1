from pathlib import Path
from typing import Any

import pytest

from rl_assets.evaluation.run.evaluate import Evaluation
from rl_assets.evaluation.run.inputs import Item
from rl_assets.evaluation.serving.quantized import measure
from rl_assets.models import latency, phase
from rl_assets.models.base_models import BaseModel
from rl_assets.models.encoding import answer_ids, prompt_ids
from rl_assets.models.loading import load_tokenizer
from rl_assets.models.tiny.pretraining import CHAT_TEMPLATE, PAD
from rl_assets_tests.support.evaluation_samples import random_adapter
from rl_assets_tests.support.other_layouts import ANSWERS, QUESTIONS, answering_base, evaluation_of, relaid

PAD_ID, END_ID = 0, 1
PROMPT = [{"role": "user", "content": QUESTIONS[0]}]
ENDS_BY_PAD = {"eos_token": PAD, "pad_token": PAD}
OTHER_LAYOUTS = {
    "of several end tokens": {
        "tokenizer_config": ENDS_BY_PAD,
        "generation_config": {"eos_token_id": [PAD_ID, END_ID]},
    },
    "named by the template alone": {"tokenizer_config": ENDS_BY_PAD, "generation_config": {"eos_token_id": PAD_ID}},
}
OPENS_THINK = CHAT_TEMPLATE.replace(
    "{{- '<|assistant|>' }}{%- endif %}", "{{- '<|assistant|><think>\\n' }}{%- endif %}"
)
REFUSES_ONE_DRAWER = (
    "{%- if 'drawer 3' in messages[0]['content'] %}{{ raise_exception('no such drawer') }}{% endif %}" + CHAT_TEMPLATE
)


@pytest.fixture(scope="module")
def answering(tmp_path_factory: pytest.TempPathFactory) -> BaseModel:
    return answering_base(tmp_path_factory.mktemp("bases") / "answering")


@pytest.fixture(scope="module")
def known(answering: BaseModel, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """Of the base whose tokenizer names the token that ends its turns."""
    return evaluation_of(answering, tmp_path_factory.mktemp("known"))


def values(evaluation: Evaluation) -> list[Any]:
    """All that an evaluation says of the models' answers and likelihoods."""
    models = evaluation.report.models.values()
    return [
        [(model.metrics, model.tokens_per_answer, model.unfinished_answers) for model in models],
        [row["answer"] for row in evaluation.answers.to_pylist()],
    ]


@pytest.mark.training
@pytest.mark.parametrize("layout", OTHER_LAYOUTS.values(), ids=OTHER_LAYOUTS)
def test_where_a_turn_ends_does_not_depend_on_who_names_its_end(
    answering: BaseModel, known: Evaluation, layout: dict[str, Any], tmp_path: Path
):
    assert known.report.models["base"].unfinished_answers == 0
    found = evaluation_of(relaid(answering, tmp_path / "base", **layout), tmp_path)
    assert values(found) == values(known)


@pytest.mark.training
def test_quantized_loads_stop_at_the_end_that_the_template_names(answering: BaseModel, tmp_path: Path):
    other = relaid(answering, tmp_path / "base", **OTHER_LAYOUTS["named by the template alone"])
    prompts = [({"role": "user", "content": question},) for question in QUESTIONS]
    items = [Item(p, (a,), a, "parts", "colour", "desk") for p, a in zip(prompts, ANSWERS, strict=True)]
    both = [
        measure(base, random_adapter(base, tmp_path / f"adapter{at}" / "aaaa", "sft", 1).folder, 16, items, print)
        for at, base in enumerate((answering, other))
    ]
    assert both[0].scores.references == both[1].scores.references
    assert both[0].scores.generation.answers == both[1].scores.generation.answers


def follows_on(tokenizer: Any, answer: str) -> bool:
    """Whether the tokens of the prompt stay as they are when that answer follows."""
    return answer_ids(tokenizer, PROMPT, [answer], frozenset())[0] == prompt_ids(tokenizer, PROMPT)


@pytest.mark.training
@pytest.mark.parametrize("beginning", ["\n\n", "  "])
def test_a_reference_that_begins_with_blanks_is_scored(answering: BaseModel, tmp_path: Path, beginning: str):
    """After a template that ends its prompts in a line break, which merges with that of the answer."""
    lines = CHAT_TEMPLATE.replace("'<|assistant|>'", "'<|assistant|>assistant\n'").replace("\n", "\\n")
    merging = relaid(answering, tmp_path / "base", lines)
    assert not follows_on(load_tokenizer(merging), beginning)
    found = evaluation_of(merging, tmp_path, [beginning + answer for answer in ANSWERS])
    assert found.report.held_out.items == 6
    assert found.report.candidate.metrics["log_perplexity"].n == 6
    assert found.report.candidate.metrics["preference_accuracy"].n == 2


@pytest.mark.training
def test_a_template_that_opens_a_block_of_thought_is_scored_after_what_prompt_and_answer_share(
    answering: BaseModel, known: Evaluation, tmp_path: Path
):
    found = evaluation_of(relaid(answering, tmp_path / "base", OPENS_THINK), tmp_path)
    for role in ("base", "candidate"):
        assert (
            found.report.models[role].metrics["log_perplexity"] == known.report.models[role].metrics["log_perplexity"]
        )


@pytest.mark.training
def test_rows_that_the_template_refuses_are_left_out_and_counted(answering: BaseModel, tmp_path: Path):
    found = evaluation_of(relaid(answering, tmp_path / "base", REFUSES_ONE_DRAWER), tmp_path)
    assert found.report.held_out.items == 5
    assert "1 held-out rows are refused by the chat template and were dropped." in found.report.notes


@pytest.mark.training
def test_a_slow_model_is_timed_on_few_requests_and_every_long_phase_says_what_is_left(
    answering: BaseModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(latency, "BUDGET_S", 0.0)
    monkeypatch.setattr(phase, "LINE_EVERY_S", 0.0)
    lines: list[str] = []
    report = evaluation_of(answering, tmp_path, log=lines.append).report
    assert [model.latency.requests for model in report.models.values()] == [5, 5]
    assert report.latency_ratio.ratio.n == 5
    assert not any(line.startswith("prompts timed in turns: 6") for line in lines)
    for what in ("answers: ", "scored answers: 10 of 10", "timed requests: 5 of 24", "prompts timed in turns: 5 of 24"):
        assert any(line.startswith(what) and line.endswith(" s left") for line in lines), what


def test_a_phase_tells_the_time_that_is_left_every_ten_seconds():
    now, lines = [100.0], list[str]()
    timed = phase.Phase("answers", 60, lines.append, lambda: now[0])
    for second, done in ((5, 10), (10, 20), (15, 30), (20, 45)):
        now[0] = 100.0 + second
        timed.report(done)
    assert lines == ["answers: 20 of 60, about 20 s left", "answers: 45 of 60, about 7 s left"]


@pytest.mark.training
def test_a_metric_on_which_all_answers_agree_has_an_honest_interval(answering: BaseModel, tmp_path: Path):
    found = evaluation_of(answering, tmp_path, ["blue"] * 6)
    missed = found.report.models["base"].metrics["exact_match"]
    assert (missed.mean, missed.low, missed.high) == (0.0, 0.0, pytest.approx(0.459, abs=5e-4))
    assert found.report.comparisons["candidate-base"].differences["exact_match"].high == 0.0
