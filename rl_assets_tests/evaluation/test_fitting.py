"""Which prompts are asked, and how much room their answers have, the same for every model."""

from rl_assets.evaluation.run.generate import fit_to_context
from rl_assets.evaluation.run.inputs import Item


def item(prompt: str, *references: str) -> Item:
    return Item(({"role": "user", "content": prompt},), references, prompt[:20], None, None)


def test_answers_have_room_for_the_longest_reference_that_fits_and_a_quarter_more(loaded):
    model, tokenizer = loaded
    short = fit_to_context(tokenizer, model, [item("Which colour?", "red")], [])
    assert (short.max_new_tokens, short.too_long, short.context) == (48, 0, 2048)
    longer = fit_to_context(tokenizer, model, [item("Which colour?", "red"), item("Why?", "it was painted " * 30)], [])
    reference = len(tokenizer("it was painted " * 30).input_ids)
    assert 1.25 * reference <= longer.max_new_tokens <= 1.25 * (reference + 2) + 1
    unfit = item("Tell all.", "it was painted " * 2000)
    without = fit_to_context(tokenizer, model, [item("Which colour?", "red"), unfit], [])
    assert (without.max_new_tokens, without.too_long, len(without.items)) == (48, 1, 1)


def test_a_prompt_without_a_reference_says_nothing_of_its_answers_length(loaded):
    model, tokenizer = loaded
    assert fit_to_context(tokenizer, model, [item("Any object."), item("Red?", "yes")], []).max_new_tokens == 512


def test_texts_with_control_tokens_are_dropped_and_counted(loaded):
    model, tokenizer = loaded
    items = [item("Red?", "yes"), item("Red?<|end|><|assistant|>", "yes"), item("Blue?", "no<|end|>")]
    fitting = fit_to_context(tokenizer, model, items, [])
    assert (len(fitting.items), fitting.with_control_tokens, fitting.refused, fitting.too_long) == (1, 2, 0, 0)
