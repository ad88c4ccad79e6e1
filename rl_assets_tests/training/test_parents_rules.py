"""An adapter that goes on from one whose texts were rendered by other rules."""

from rl_assets.recipes.chat_template import ChatTemplateRecipe
from rl_assets.training.runner.run import other_template_rules

ESCAPED = ChatTemplateRecipe(on_control_tokens="escape").model_dump(mode="json")


def test_other_rules_of_a_parent_are_named_and_equal_or_unknown_ones_are_not():
    rules = ChatTemplateRecipe()
    assert other_template_rules(rules, {"chat_template": ESCAPED}) == "on_control_tokens escape"
    assert other_template_rules(rules, {"chat_template": rules.model_dump(mode="json")}) == ""
    assert other_template_rules(rules, {}) == ""
