"""Answers of the server: those of each model alone, whoever asks at the same time, with the scores that they have."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.models.encoding import prompt_ids
from rl_assets_tests.serving.server.conftest import DPO, SFT
from rl_assets_tests.support.embedded_server import QUESTION, EmbeddedServer, embedded_server, wait_until

PROMPTS = [
    QUESTION,
    [{"role": "user", "content": "Where is it?"}],
    [{"role": "user", "content": "Which colour has the rotor in drawer 7 beside the long shelf of the second hall?"}],
    [*QUESTION, {"role": "assistant", "content": "Red."}, {"role": "user", "content": "And the valve?"}],
]
ASKED = [(model, prompt) for prompt in PROMPTS for model in ("base", SFT, DPO)]


def test_answers_of_a_mixed_batch_are_those_asked_alone(server: EmbeddedServer):
    alone = [server.tokens(model, prompt) for model, prompt in ASKED]
    server.gate.slots.clear()
    server.gate.held = True
    with ThreadPoolExecutor(len(ASKED)) as pool:
        first = pool.submit(server.tokens, *ASKED[0])
        server.gate.wait_for_pass()
        others = [pool.submit(server.tokens, model, prompt) for model, prompt in ASKED[1:]]
        wait_until(lambda: server.worker.waiting == len(others))
        server.gate.open()
        assert [answer.result() for answer in (first, *others)] == alone
    assert max(len(slots) for slots in server.gate.slots) == len(ASKED)
    assert any(len(set(slots)) == 3 for slots in server.gate.slots)
    assert len({str(server.tokens(model)) for model in ("base", SFT, DPO)}) == 3


def test_greedy_answers_are_those_of_the_evaluation(server: EmbeddedServer, base: BaseModel, parent: Adapter):
    from rl_assets.models.generation import generate
    from rl_assets.models.switching import SwitchedModels

    models = SwitchedModels(base, None, print)
    for name, adapter in (("base", None), (SFT, parent)):
        offline = generate(models.switch_to(adapter), models.tokenizer, PROMPTS, 12, print).answers
        for prompt, expected in zip(PROMPTS, offline, strict=True):
            answer = server.ask(name, prompt).json()
            choice = answer["choices"][0]
            assert choice["message"]["content"].strip() == expected.text
            assert choice["finish_reason"] == ("stop" if expected.finished else "length")
            assert answer["usage"]["completion_tokens"] == expected.tokens
            assert answer["usage"]["prompt_tokens"] == expected.prompt_tokens


def test_log_probabilities_are_those_of_a_forward_pass_over_the_whole_answer(
    server: EmbeddedServer, base: BaseModel, candidate: Adapter
):
    from rl_assets.models.switching import SwitchedModels

    models = SwitchedModels(base, None, print)
    for name, adapter in (("base", None), (DPO, candidate)):
        model = models.switch_to(adapter)
        for prompt in PROMPTS:
            answer = server.ask(name, prompt, logprobs=True, top_logprobs=2).json()
            told = answer["choices"][0]["logprobs"]["content"]
            ids = answer["choices"][0]["token_ids"]
            assert answer["prompt_token_ids"] == prompt_ids(models.tokenizer, prompt)
            assert [token["logprob"] for token in told] == pytest.approx(
                whole_answer(model, answer["prompt_token_ids"], ids), abs=1e-4
            )
            # Greedy: the token is the likeliest one, and there is one more.
            assert all(token["top_logprobs"][0]["logprob"] == token["logprob"] for token in told)
            assert all(len(token["top_logprobs"]) == 2 for token in told)


def whole_answer(model: Any, prompt: list[int], answer: list[int]) -> list[float]:
    import torch

    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1].float()
    return logits.log_softmax(-1).gather(1, torch.tensor(answer).unsqueeze(1)).squeeze(1).tolist()


def test_scores_of_sampled_tokens_are_those_at_temperature_1(server: EmbeddedServer, base: BaseModel):
    from rl_assets.models.switching import SwitchedModels

    cold = {"temperature": 0.5, "top_p": 0.5, "seed": 3, "logprobs": True}
    sampled = server.ask("base", **cold).json()
    ids, told = sampled["choices"][0]["token_ids"], sampled["choices"][0]["logprobs"]["content"]
    assert [token["logprob"] for token in told] == pytest.approx(
        whole_answer(SwitchedModels(base, None, print).model, sampled["prompt_token_ids"], ids), abs=1e-4
    )


def test_a_seed_gives_the_same_draw_alone_and_in_a_batch(server: EmbeddedServer):
    drawn = {"temperature": 1, "seed": 7}
    alone = server.tokens(SFT, **drawn)
    with ThreadPoolExecutor(6) as pool:
        others = [pool.submit(server.tokens, DPO, prompt) for prompt in PROMPTS]
        assert pool.submit(server.tokens, SFT, **drawn).result() == alone
        assert all(other.result() for other in others)
    assert server.tokens(SFT, temperature=1, seed=8) != alone
    # Without a temperature it is 1, as with OpenAI: two draws of 12 tokens are never the same.
    assert server.tokens(SFT, temperature=None) != server.tokens(SFT, temperature=None)


def test_further_choices_are_draws_of_their_own(server: EmbeddedServer):
    answer = server.ask(SFT, temperature=1, seed=7, n=3).json()
    drawn = [choice["token_ids"] for choice in answer["choices"]]
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    assert drawn[0] == server.tokens(SFT, temperature=1, seed=7)
    assert len({str(ids) for ids in drawn}) == 3
    assert answer["usage"]["completion_tokens"] == sum(map(len, drawn))


def test_an_answer_ends_before_a_stop_text(server: EmbeddedServer):
    whole = server.ask(SFT).json()["choices"][0]["message"]["content"]
    stop = whole[4:7]
    choice = server.ask(SFT, stop=["never written", stop]).json()["choices"][0]
    assert choice["message"]["content"] == whole[: whole.index(stop)]
    assert choice["finish_reason"] == "stop"


def test_answers_that_come_later_join_those_that_run(server: EmbeddedServer):
    server.gate.held = True
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(server.tokens, SFT, PROMPTS[2])
        server.gate.release(3)
        wait_until(lambda: len(server.gate.slots) == 3)
        second = pool.submit(server.tokens, DPO, PROMPTS[1])
        wait_until(lambda: server.worker.waiting == 1)
        server.gate.open()
        answers = first.result(), second.result()
    assert any(len(slots) == 2 for slots in server.gate.slots)
    assert answers == (server.tokens(SFT, PROMPTS[2]), server.tokens(DPO, PROMPTS[1]))


def test_a_model_in_bfloat16_answers_with_nearly_the_same_scores(
    server: EmbeddedServer, base: BaseModel, candidate: Adapter
):
    with embedded_server(base, candidate.folder.parent, dtype="bfloat16") as other:
        assert other.load("candidate", candidate.folder).status_code == 200
        assert other.post("/v1/chat/completions", model="candidate", messages=[]).status_code == 400
        answer = other.ask("candidate", logprobs=True).json()
        assert other.model.dtype == "bfloat16"
    told = [token["logprob"] for token in answer["choices"][0]["logprobs"]["content"]]
    ids = answer["choices"][0]["token_ids"]
    exact = server.ask(DPO, logprobs=True).json()["choices"][0]
    same = next((n for n, (a, b) in enumerate(zip(ids, exact["token_ids"], strict=False)) if a != b), len(ids))
    assert same > 0
    assert told[:same] == pytest.approx([t["logprob"] for t in exact["logprobs"]["content"]][:same], abs=0.05)


def test_work_waits_where_a_batch_is_full(base: BaseModel, models: Any):
    with embedded_server(base, models / "adapters", max_batch=2, max_waiting=3) as small:
        small.gate.held = True
        with ThreadPoolExecutor(5) as pool:
            first = pool.submit(small.ask, "base", PROMPTS[0])
            small.gate.wait_for_pass()
            asked = [pool.submit(small.ask, "base", PROMPTS[number]) for number in range(3)]
            wait_until(lambda: small.worker.waiting == 3)
            refused = small.ask("base", n=3)
            small.gate.open()
            assert [answer.result().status_code for answer in (first, *asked)] == [200] * 4
    assert refused.status_code == 429
    assert "wait already" in refused.json()["error"]["message"]
    assert max(len(slots) for slots in small.gate.slots) == 2
