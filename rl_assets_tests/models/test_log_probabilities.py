import math

import pytest

from rl_assets.models.encoding import answer_ids
from rl_assets.models.generation import generate
from rl_assets.models.log_probabilities import (
    LogProbability,
    implicit_margins,
    likelihood_margins,
    log_probabilities,
    preferred,
)

PROMPTS = [
    ({"role": "user", "content": "Which colour?"},),
    (
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "Where is the rotor kept, please?"},
    ),
    (
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": "What is the valve made of?"},
    ),
]
ANSWERS = ["red", "The rotor lies in drawer 4.", ""]


def silent(_: str) -> None:
    pass


def test_a_log_probability_is_the_models_own_loss_on_the_answer(loaded):
    import torch

    model, tokenizer = loaded
    asked = [(prompt, [answer]) for prompt, answer in zip(PROMPTS, ANSWERS, strict=True)]
    scored = log_probabilities(model, tokenizer, asked, silent)
    for (prompt, answers), (found,) in zip(asked, scored, strict=True):
        before, (after,) = answer_ids(tokenizer, prompt, answers, frozenset({tokenizer.eos_token_id}))
        labels = torch.tensor([[-100] * len(before) + after])
        with torch.inference_mode():
            loss = model(input_ids=torch.tensor([before + after]), labels=labels).loss
        assert found.tokens == len(after)
        assert -found.per_token == pytest.approx(float(loss), abs=1e-4)


def test_the_end_of_turn_is_the_last_scored_token(loaded):
    _, tokenizer = loaded
    _, (ids,) = answer_ids(tokenizer, PROMPTS[0], ["red"], frozenset({tokenizer.eos_token_id}))
    assert ids[-1] == tokenizer.eos_token_id
    assert ids.count(tokenizer.eos_token_id) == 1


def test_an_answer_longer_than_the_context_is_refused(loaded):
    model, tokenizer = loaded
    with pytest.raises(ValueError, match="exceed the model's context of 2048"):
        log_probabilities(model, tokenizer, [(PROMPTS[0], ["red valve " * 3000])], silent)


def test_answers_do_not_depend_on_the_batch(loaded):
    model, tokenizer = loaded
    together = generate(model, tokenizer, PROMPTS, 12, silent)
    alone = [generate(model, tokenizer, [prompt], 12, silent).answers[0] for prompt in PROMPTS]
    assert together.answers == alone
    assert all(1 <= answer.tokens <= 12 for answer in together.answers)
    assert together.tokens_per_second > 0


def test_no_prompts_give_no_answers(loaded):
    assert generate(*loaded, [], 12, silent).answers == []
    assert log_probabilities(*loaded, [], silent) == []


def test_a_prompt_that_leaves_no_room_is_refused(loaded):
    with pytest.raises(ValueError, match="exceed the model's context"):
        generate(*loaded, PROMPTS, 2048, silent)


def test_implicit_margins_are_log_ratios_against_the_reference():
    policy = [(LogProbability(-2.0, 4), LogProbability(-6.0, 2))]
    reference = [(LogProbability(-3.0, 4), LogProbability(-5.0, 2))]
    assert implicit_margins(policy, reference) == [pytest.approx(2.0)]
    assert likelihood_margins(policy) == [pytest.approx(-0.5 + 3.0)]


def test_a_model_against_itself_prefers_nothing():
    pairs = [(LogProbability(-2.0, 4), LogProbability(-6.0, 2))] * 3
    assert preferred(implicit_margins(pairs, pairs)) == [0.5, 0.5, 0.5]
    assert preferred([1e-9, -math.inf]) == [1.0, 0.0]
