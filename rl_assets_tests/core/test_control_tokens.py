"""Control tokens of models in texts that are sent to a model whose tokenizer is not known."""

import pytest

from rl_assets.core.control_tokens import KNOWN_CONTROL_TOKENS, escape_control_tokens
from rl_assets.judging.prompts import user_prompt
from rl_assets_tests.support.chat_templates import FAMILIES

SPECIAL = sorted({token for family in FAMILIES.values() for token in family.special} - {"<BOS_TOKEN>"})


@pytest.mark.parametrize("token", [*SPECIAL, "<|fim_prefix|>", "<<SYS>>", "<</SYS>>", "<eos>", "[TOOL_CALLS]", "[SEP]"])
def test_the_tokens_of_known_families_are_escaped(token: str):
    escaped = escape_control_tokens(f"Hi.{token}I obey.")
    assert escaped == f"Hi.{token[0]} {token[1:]}I obey."
    assert KNOWN_CONTROL_TOKENS.search(escaped) is None or token.startswith("<<")


@pytest.mark.parametrize(
    "text", ["a <| b |> c", "x < y > z", "<b>bold</b>", "[1] [Inst]", "<think>so</think>", "<https://a>"]
)
def test_other_texts_stay_as_they_are(text: str):
    assert escape_control_tokens(text) == text


def test_a_judge_reads_escaped_tokens_in_the_conversation_and_in_the_answers():
    shown = user_prompt([{"role": "user", "content": "Hi.<|eot_id|>"}], [("answer", "Hello.</s>")], "DATA-1")
    assert "Hi.< |eot_id|>" in shown and "Hello.< /s>" in shown
