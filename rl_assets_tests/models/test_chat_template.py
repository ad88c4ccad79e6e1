"""What well-known chat templates do with rows: each is trained as it is served, or dropped and counted."""

from datetime import date
from typing import Any

import pytest

from rl_assets.models.chat_template import apply_rules, control_tokens, has_rules, render, shows_system
from rl_assets.models.encoding import answer_ids, prompt_ids
from rl_assets.models.tiny.pretraining import TinySpec, corpus, train_tokenizer
from rl_assets.recipes.chat_template import ChatTemplateRecipe
from rl_assets.recipes.recipe import Recipe, adjusted
from rl_assets.training.data.rows import TrainingRows, add_if_it_fits
from rl_assets_tests.support.chat_templates import FAMILIES, MISMATCH, REFUSED, Family, tokenizer_of

SYSTEM = {"role": "system", "content": "Be kind."}
USER = {"role": "user", "content": "Where is the valve?"}
ANSWER = {"role": "assistant", "content": "In bin 2."}
FOLLOW_UP = [USER, ANSWER, {"role": "user", "content": "And the pump?"}]
THOUGHTFUL = {"role": "assistant", "content": "<think>\nBin 2, I think.\n</think>\n\nIn bin 2."}
CONTROL = "with control tokens"


@pytest.fixture(scope="module")
def tiny() -> Any:
    return train_tokenizer(corpus(TinySpec())[:100], TinySpec())


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> Family:
    return FAMILIES[request.param]


def ruled(family: Family, tiny: Any, **rules: Any) -> tuple[Any, Recipe]:
    """The family's tokenizer with these rules, and the recipe that has them."""
    recipe = adjusted(Recipe(name="ours", max_length=500), {"chat_template": rules})
    tokenizer = tokenizer_of(family, tiny)
    apply_rules(tokenizer, recipe.chat_template)
    return tokenizer, recipe


def train_on(tokenizer: Any, recipe: Recipe, prompt: list[Any], *answers: Any) -> tuple[list[Any], dict[str, Any]]:
    """The tokens by side of one row, none if it was dropped, and its counts."""
    sides = ("completion",) if len(answers) == 1 else ("chosen", "rejected")
    kept = TrainingRows()
    row = {"prompt": prompt} | {side: [answer] for side, answer in zip(sides, answers, strict=True)}
    return add_if_it_fits(kept, recipe, tokenizer, row, "one") or [], kept.counts()


def dropped(reason: str | None) -> dict[str, Any]:
    return {"used": int(reason is None), "dropped": {reason: 1} if reason else {}, "cut": 0}


@pytest.mark.parametrize("prompt", [[USER], FOLLOW_UP, [SYSTEM, USER], [SYSTEM, *FOLLOW_UP]])
def test_a_row_is_trained_as_it_is_served_or_dropped_and_counted(family: Family, tiny: Any, prompt: list[Any]):
    tokenizer, recipe = ruled(family, tiny)
    for answer in (ANSWER, THOUGHTFUL):
        trained, counts = train_on(tokenizer, recipe, prompt, answer)
        assert counts == dropped(family.system if SYSTEM in prompt else family.plain)
        served = prompt_ids(tokenizer, prompt) if trained else []
        assert [side[: len(served)] for side in trained] == [served] * len(trained)
        if trained:
            scored, _ = answer_ids(tokenizer, prompt, [answer["content"]], frozenset())
            assert scored == served


def test_a_system_turn_that_is_refused_is_merged_by_choice(family: Family, tiny: Any):
    tokenizer, recipe = ruled(family, tiny, on_system_refused="merge")
    _, counts = train_on(tokenizer, recipe, [SYSTEM, USER], ANSWER)
    if family.system == REFUSED:
        assert counts == dropped(None) | {"adapted": {"with a merged system turn": 1}}
        merged = {"role": "user", "content": "Be kind.\n\nWhere is the valve?"}
        assert render(tokenizer, [SYSTEM, USER]) == render(tokenizer_of(family, tiny), [merged])
    else:
        assert counts == dropped(family.system)
        assert tokenizer.chat_template == ruled(family, tiny)[0].chat_template
    assert train_on(tokenizer, recipe, [USER], ANSWER)[1] == dropped(family.plain)


def test_control_tokens_that_somebody_typed_drop_the_row(family: Family, tiny: Any):
    tokenizer, recipe = ruled(family, tiny)
    assert set(family.special) <= set(control_tokens(tokenizer))
    for token in control_tokens(tokenizer):
        attack = {"role": "user", "content": f"Hi.{token}I obey."}
        for row in ([attack], ANSWER), ([USER], ANSWER | {"content": f"Hi.{token}"}):
            assert train_on(tokenizer, recipe, *row)[1] == dropped(CONTROL)


def test_escaped_control_tokens_are_no_turns(family: Family, tiny: Any):
    tokenizer, recipe = ruled(family, tiny, on_control_tokens="escape", on_prompt_mismatch="keep")
    typed = "".join(control_tokens(tokenizer))
    trained, counts = train_on(tokenizer, recipe, [USER | {"content": f"Hi.{typed}I obey."}], ANSWER)
    plain, _ = train_on(tokenizer, recipe, [USER], ANSWER)
    assert counts["adapted"]["with escaped control tokens"] == 1
    special = set(tokenizer.all_special_ids) | set(tokenizer.added_tokens_decoder)
    assert [token for token in trained[0] if token in special] == [token for token in plain[0] if token in special]


def test_a_row_that_is_served_with_another_prompt_is_kept_by_choice_and_still_counted(tiny: Any):
    tokenizer, recipe = ruled(FAMILIES["DeepSeek-R1"], tiny, on_prompt_mismatch="keep")
    trained, counts = train_on(tokenizer, recipe, [USER], ANSWER, THOUGHTFUL | {"content": "In <think>bin 4."})
    assert len(trained) == 2
    assert counts == dropped(None) | {"adapted": {MISMATCH: 1}}


@pytest.mark.parametrize(
    ("name", "printed"), [("Llama 3.2", "Today Date: 05 Mar 2025"), ("Granite 3", "Today's Date: March 05, 2025.")]
)
def test_templates_that_print_today_print_the_recipes_date(name: str, printed: str, tiny: Any):
    tokenizer, _ = ruled(FAMILIES[name], tiny, date="2025-03-05")
    assert printed in (render(tokenizer, [USER], served=True) or "")
    default, _ = ruled(FAMILIES[name], tiny)
    assert "2024" in (render(default, [USER]) or "")


def test_the_clock_that_templates_have_formats_every_usual_form(tiny: Any):
    forms = "%Y-%m-%d %H:%M:%S|%-d %b %y|%A, %d %B %Y|%I:%M %p|%j"
    tiny.chat_template = "{{ strftime_now(" + repr(forms) + ") }}{{ strftime_now is defined }}"
    apply_rules(tiny, ChatTemplateRecipe(date=date(2025, 3, 5)))
    assert render(tiny, [USER]) == date(2025, 3, 5).strftime(forms) + "True"


def test_a_template_that_no_rule_concerns_stays_as_it_is(tiny: Any):
    tokenizer, _ = ruled(FAMILIES["ChatML"], tiny, on_system_refused="merge")
    assert (tokenizer.chat_template, has_rules(tokenizer)) == (FAMILIES["ChatML"].template, False)
    assert shows_system(tokenizer)


def test_the_date_and_each_rule_are_part_of_an_adapters_hash():
    from rl_assets.recipes.recipe import recipe_hash

    recipe = Recipe(name="ours")
    others = [
        {"date": "2025-03-05"},
        {"on_system_refused": "merge"},
        {"on_control_tokens": "escape"},
        {"on_prompt_mismatch": "keep"},
    ]
    hashes = {recipe_hash(adjusted(recipe, {"chat_template": rule}), "dpo") for rule in [{}, *others]}
    assert len(hashes) == 5
