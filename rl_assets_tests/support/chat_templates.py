"""Chat templates in the manner of well-known families, written from their published formats, and a tokenizer for them.

Each has the family's markers, what it does about a system turn, and how it prompts an answer; tools and images are left
out. The tokenizer is the embedded base model's, with the markers that are special tokens in the family's own.
"""

from dataclasses import dataclass
from typing import Any

TURNS = "{%- for m in messages %}"
END = "{%- endfor %}"
GENERATION = "{%- if add_generation_prompt %}{{ '@' }}{%- endif %}"
ALTERNATE = (
    "{%- for m in messages %}{%- if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{%- endif %}"
)
# Takes the system turn off the messages and keeps it for the first user's.
SYSTEM_APART = (
    "{%- if messages[0].role == 'system' %}{%- set system = messages[0].content %}{%- set messages = messages[1:] %}"
    "{%- else %}{%- set system = '' %}{%- endif %}"
)


@dataclass(frozen=True)
class Family:
    """A family's template, its markers that are special tokens, and what it does about rows of ours.

    `system`: what becomes of a row with a system turn; `plain`: of one without; None if it is used.
    """

    template: str
    special: tuple[str, ...]
    plain: str | None = None
    system: str | None = None


def generation(prompt: str) -> str:
    """The end of a template: what comes before an answer that is asked for."""
    return GENERATION.replace("@", prompt.replace("\n", "\\n"))


CHATML = TURNS + "{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}" + END
LLAMA_2 = (
    SYSTEM_APART + ALTERNATE + "{%- if m.role == 'user' %}{%- if loop.first and system %}"
    "{{ '<s>[INST] <<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' + m.content | trim + ' [/INST]' }}"
    "{%- else %}{{ '<s>[INST] ' + m.content | trim + ' [/INST]' }}{%- endif %}"
    "{%- else %}{{ ' ' + m.content | trim + ' </s>' }}{%- endif %}" + END
)
LLAMA_3_2 = (
    "{%- if not date_string is defined %}{%- if strftime_now is defined %}"
    "{%- set date_string = strftime_now('%d %b %Y') %}{%- else %}{%- set date_string = '26 Jul 2024' %}{%- endif %}"
    "{%- endif %}" + SYSTEM_APART + "{{ '<|begin_of_text|><|start_header_id|>system<|end_header_id|>\\n\\n"
    "Cutting Knowledge Date: December 2023\\nToday Date: ' + date_string + '\\n\\n' + system | trim + '<|eot_id|>' }}"
    + TURNS
    + "{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' + m.content | trim + '<|eot_id|>' }}"
    + END
    + generation("<|start_header_id|>assistant<|end_header_id|>\n\n")
)
MISTRAL = (
    SYSTEM_APART + ALTERNATE + "{%- if m.role == 'user' %}{%- if loop.last and system %}"
    "{{ '[INST] ' + system + '\\n\\n' + m.content + '[/INST]' }}{%- else %}{{ '[INST] ' + m.content + '[/INST]' }}"
    "{%- endif %}{%- else %}{{ ' ' + m.content + '</s>' }}{%- endif %}" + END
)
GEMMA_TURN = (
    "{%- set role = 'model' if m.role == 'assistant' else m.role %}"
    "{{ '<start_of_turn>' + role + '\\n' + m.content | trim + '<end_of_turn>\\n' }}"
)
GEMMA_2 = (
    "{%- if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{%- endif %}{{ '<bos>' }}"
    + ALTERNATE
    + GEMMA_TURN
    + END
    + generation("<start_of_turn>model\n")
)
GEMMA_3 = (
    SYSTEM_APART + "{{ '<bos>' }}" + ALTERNATE + "{%- set role = 'model' if m.role == 'assistant' else m.role %}"
    "{{ '<start_of_turn>' + role + '\\n' + (system + '\\n\\n' if loop.first and system else '') + m.content | trim"
    " + '<end_of_turn>\\n' }}" + END + generation("<start_of_turn>model\n")
)
PHI_3 = TURNS + "{{ '<|' + m.role + '|>\\n' + m.content + '<|end|>\\n' }}" + END + generation("<|assistant|>\n")
PHI_4 = (
    TURNS
    + "{{ '<|im_start|>' + m.role + '<|im_sep|>' + m.content + '<|im_end|>' }}"
    + END
    + generation("<|im_start|>assistant<|im_sep|>")
)
DEEPSEEK_R1 = (
    SYSTEM_APART + "{{ '<｜begin▁of▁sentence｜>' + system }}" + TURNS + "{%- if m.role == 'user' %}"
    "{{ '<｜User｜>' + m.content }}{%- else %}"
    "{{ '<｜Assistant｜>' + m.content.split('</think>')[-1] + '<｜end▁of▁sentence｜>' }}{%- endif %}"
    + END
    + generation("<｜Assistant｜><think>\n")
)
QWEN_3 = (
    "{%- set ns = namespace(last=-1) %}{%- for m in messages %}{%- if m.role == 'user' %}"
    "{%- set ns.last = loop.index0 %}{%- endif %}{%- endfor %}" + TURNS + "{%- if m.role == 'assistant' %}"
    "{%- set parts = m.content.split('</think>') %}{%- set said = parts[-1].lstrip('\\n') %}"
    "{%- set thought = parts[0].split('<think>')[-1].strip('\\n') if parts | length > 1 else '' %}"
    "{%- if loop.index0 > ns.last and (loop.last or thought) %}"
    "{{ '<|im_start|>assistant\\n<think>\\n' + thought + '\\n</think>\\n\\n' + said + '<|im_end|>\\n' }}"
    "{%- else %}{{ '<|im_start|>assistant\\n' + said + '<|im_end|>\\n' }}{%- endif %}"
    "{%- else %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{%- endif %}"
    + END
    + generation("<|im_start|>assistant\n")
)
ZEPHYR = TURNS + "{{ '<|' + m.role + '|>\\n' + m.content + '</s>\\n' }}" + END + generation("<|assistant|>\n")
COMMAND_R = (
    "{{ '<BOS_TOKEN>' }}"
    + TURNS
    + "{%- set role = {'system': 'SYSTEM', 'user': 'USER', 'assistant': 'CHATBOT'}[m.role]"
    " %}{{ '<|START_OF_TURN_TOKEN|><|' + role + '_TOKEN|>' + m.content | trim + '<|END_OF_TURN_TOKEN|>' }}"
    + END
    + generation("<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>")
)
GRANITE = (
    "{%- if messages[0].role != 'system' %}{{ '<|start_of_role|>system<|end_of_role|>Knowledge Cutoff Date: April 2024."
    "\\nToday\\'s Date: ' + strftime_now('%B %d, %Y') + '.<|end_of_text|>\\n' }}{%- endif %}"
    + TURNS
    + "{{ '<|start_of_role|>' + m.role + '<|end_of_role|>' + m.content + '<|end_of_text|>\\n' }}"
    + END
    + generation("<|start_of_role|>assistant<|end_of_role|>")
)

REFUSED, MISMATCH = "refused by the template", "served with another prompt than trained"
IM = ("<|im_start|>", "<|im_end|>")
FAMILIES = {
    "ChatML": Family(CHATML + generation("<|im_start|>assistant\n"), IM),
    "Llama 2": Family(LLAMA_2, ("<s>", "</s>")),
    "Llama 3.2": Family(LLAMA_3_2, ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")),
    "Mistral": Family(MISTRAL, ("[INST]", "[/INST]", "</s>"), system=REFUSED),
    "Gemma 2": Family(GEMMA_2, ("<bos>", "<start_of_turn>", "<end_of_turn>"), system=REFUSED),
    "Gemma 3": Family(GEMMA_3, ("<bos>", "<start_of_turn>", "<end_of_turn>")),
    "Phi-3": Family(PHI_3, ("<|end|>", "<|user|>", "<|assistant|>", "<|system|>")),
    "Phi-4": Family(PHI_4, (*IM, "<|im_sep|>")),
    "DeepSeek-R1": Family(
        DEEPSEEK_R1,
        ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>"),
        plain=MISMATCH,
        system=MISMATCH,
    ),
    "Qwen3": Family(QWEN_3, IM),
    "Zephyr": Family(ZEPHYR, ("</s>",)),
    "Command R": Family(COMMAND_R, ("<BOS_TOKEN>", "<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>")),
    "Granite 3": Family(GRANITE, ("<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>")),
}


def tokenizer_of(family: Family, tiny: Any) -> Any:
    """A copy of the tiny tokenizer with the family's special tokens and its template."""
    from copy import deepcopy

    tokenizer = deepcopy(tiny)
    tokenizer.add_special_tokens({"additional_special_tokens": list(family.special)})
    tokenizer.chat_template = family.template
    return tokenizer
