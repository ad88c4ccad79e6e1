"""Control tokens inside texts: a model that reads `<|im_end|>` in a message reads the end of that message.

Here are those of well-known families, for texts that are sent to a model whose tokenizer is not known, and how a text
is escaped. The tokens of a base model are those of its own tokenizer: `rl_assets/models/chat_template.py`.
"""

import re

# Special tokens by their published tokenizers: ChatML, Llama 3 and 4, Phi, Zephyr, Granite, Command R and gpt-oss
# (`<|...|>`); DeepSeek (`<｜...｜>`); Llama 2 and Mistral; Gemma; BERT and T5 among others.
KNOWN_CONTROL_TOKENS = re.compile(
    r"<\|[^\s<>|]{1,60}\|>|<｜[^\s<>｜]{1,60}｜>|</?s>|<<(?:/)?SYS>>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk|mask)>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|IMG|IMG_BREAK|IMG_END)\]"
    r"|\[(?:CLS|SEP|PAD|UNK|MASK)\]"
)


def escaped_token(token: str) -> str:
    """The token as a text that no tokenizer reads as one: `< |im_end|>`."""
    return f"{token[0]} {token[1:]}"


def escape_control_tokens(text: str, tokens: re.Pattern[str] = KNOWN_CONTROL_TOKENS) -> str:
    """The text with all of these tokens escaped."""
    return tokens.sub(lambda match: escaped_token(match[0]), text)
