"""A base model's chat template: the rules of a recipe in front of it, and what it makes of a conversation.

A template is a Jinja program that comes with the model. What rules change (a pinned date, a merged system turn, escaped
control tokens) is written as statements in front of it, so that whoever renders it renders the same: trainers,
evaluation, and the server that is given the adapter's `chat_template.jinja`.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from rl_assets.core.control_tokens import escape_control_tokens, escaped_token

REFUSED = "refused by the template"
WITH_CONTROL_TOKENS = "with control tokens"
PROMPT_MISMATCH = "served with another prompt than trained"
# Of rows that are kept.
ESCAPED, MERGED = "with escaped control tokens", "with a merged system turn"

FAULTS = (REFUSED, WITH_CONTROL_TOKENS, PROMPT_MISMATCH)

FILE = "chat_template.jinja"
START = "{#- Rules of the training's recipe; the base model's template follows them. -#}"
# Jinja's whitespace control: nothing before the last statement is printed, and the template begins as it did.
END = "{{- '' }}"
MERGE = (
    "{%- if messages | length > 1 and messages[0]['role'] == 'system' and messages[0]['content'] is string"
    " and messages[1]['role'] == 'user' and messages[1]['content'] is string -%}"
    "{%- set messages = [dict(messages[1], content=messages[0]['content'] + '\\n\\n' + messages[1]['content'])]"
    " + messages[2:] -%}{%- endif -%}"
)
ESCAPE = (
    "{%- set plain = namespace(messages=[], text='') -%}{%- for message in messages -%}"
    "{%- if message['content'] is string -%}"
    "{%- set plain.text = message['content'] -%}{%- for token, escaped in @TOKENS@ -%}"
    "{%- set plain.text = plain.text | replace(token, escaped) -%}{%- endfor -%}"
    "{%- set plain.messages = plain.messages + [dict(message, content=plain.text)] -%}"
    "{%- else -%}{%- set plain.messages = plain.messages + [message] -%}{%- endif -%}{%- endfor -%}"
    "{%- set messages = plain.messages -%}"
)
CLOCK = "{%- macro strftime_now(format) -%}{{- format@DIRECTIVES@ -}}{%- endmacro -%}"
DIRECTIVES = ("-d", "-m", "-H", "-I", "-M", "-S", "-j", "-y", *"aAbBcdDeFGhHIjklmMnprRSTuUVwWxXyYfzZ%")
PROBE = (("system", "probesystem"), ("user", "probequestion"), ("assistant", "probeanswer"), ("user", "probefollowup"))
# What templates write around texts as markers of turns, as special tokens or as text: <|user|>, [INST], <<SYS>>.
MARKER = re.compile(r"<{1,2}[^\s<>]{1,60}>{1,2}|\[/?[A-Z][A-Z_]*\]")
THOUGHTS = frozenset({"<think>", "</think>", "<thinking>", "</thinking>", "[THINK]", "[/THINK]"})


def apply_rules(tokenizer: Any, rules: Any) -> None:
    """Put the rules in front of the tokenizer's chat template; one that none of them concerns stays as it is."""
    if isinstance(tokenizer.chat_template, dict):
        tokenizer.chat_template = tokenizer.chat_template["default"]
    rule = pinned_clock(rules.date) if "strftime_now" in tokenizer.chat_template else ""
    if rules.on_control_tokens == "escape":
        tokens = [(token, escaped_token(token)) for token in control_tokens(tokenizer)]
        rule += ESCAPE.replace("@TOKENS@", repr(tokens))
    if rules.on_system_refused == "merge" and not shows_system(tokenizer):
        rule += MERGE
    if rule:
        tokenizer.chat_template = START + rule + END + tokenizer.chat_template


def with_pinned_date(template: str, day: date) -> str:
    """The template, with that day in place of today if it prints the date."""
    return START + pinned_clock(day) + END + template if "strftime_now" in template else template


def pinned_clock(day: date) -> str:
    """A macro in place of the clock that transformers gives to templates: it formats midnight of that day."""
    values = ((f"%{letter}", day.strftime(f"%{letter}")) for letter in DIRECTIVES)
    return CLOCK.replace("@DIRECTIVES@", "".join(f" | replace({name!r}, {value!r})" for name, value in values))


def has_rules(tokenizer: Any) -> bool:
    """Whether rules are in front of the base model's template."""
    return str(tokenizer.chat_template or "").startswith(START)


def merges_system(tokenizer: Any) -> bool:
    """Whether a system turn becomes part of the user's first turn."""
    return MERGE in (tokenizer.chat_template or "")


def escapes(tokenizer: Any) -> bool:
    """Whether control tokens in texts are escaped."""
    return ESCAPE.partition("@")[0] in (tokenizer.chat_template or "")


def render(tokenizer: Any, messages: Sequence[dict[str, str]], *, served: bool = False) -> str | None:
    """The conversation as text, up to where an answer begins if it is `served`.

    None if the template refuses it, or leaves out its system turn.
    """
    from jinja2 import TemplateError

    if messages[0]["role"] == "system" and not shows_system(tokenizer):
        return None
    try:
        return str(tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=served))
    except TemplateError:
        return None


def has_control_tokens(tokenizer: Any, messages: Iterable[dict[str, str]]) -> bool:
    """Whether a text would be read as the end of its turn, or the beginning of another."""
    pattern = _pattern(control_tokens(tokenizer))
    return any(pattern.search(message["content"]) for message in messages)


def row_fault(tokenizer: Any, prompt: list[dict[str, str]], sides: list[list[dict[str, str]]]) -> str | None:
    """Why answers to this prompt cannot be trained on as they would be served; None if they can."""
    if not escapes(tokenizer) and has_control_tokens(tokenizer, [*prompt, *(turn for side in sides for turn in side)]):
        return WITH_CONTROL_TOKENS
    served = render(tokenizer, prompt, served=True)
    trained = [render(tokenizer, prompt + side) for side in sides]
    if served is None or None in trained:
        return REFUSED
    return None if all(str(text).startswith(served) for text in trained) else PROMPT_MISMATCH


def control_tokens(tokenizer: Any) -> tuple[str, ...]:
    """The tokenizer's special tokens, and what its chat template marks turns with, the longest first."""
    return _control_tokens(tokenizer, tokenizer.chat_template, len(tokenizer))


def shows_system(tokenizer: Any) -> bool:
    """Whether the template prints a system turn, before and after the answer: some refuse one, others leave it out."""
    texts = (_probe(tokenizer, tokenizer.chat_template, turns) for turns in (PROBE, PROBE[:3]))
    return all(PROBE[0][1] in (text or "") for text in texts)


@lru_cache(maxsize=16)
def _control_tokens(tokenizer: Any, template: str, size: int) -> tuple[str, ...]:
    special = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    probes = (PROBE, PROBE[1:]) if template else ()
    rendered = next(filter(None, (_probe(tokenizer, template, probe) for probe in probes)), "")
    markers = set(MARKER.findall(rendered)) - THOUGHTS
    return tuple(sorted(special | markers, key=lambda token: (-len(token), token)))


@lru_cache(maxsize=32)
def _probe(tokenizer: Any, template: str, turns: tuple[tuple[str, str], ...]) -> str | None:
    """The template's text of these turns; None if it refuses them."""
    from jinja2 import TemplateError

    messages = [{"role": role, "content": content} for role, content in turns]
    try:
        return str(tokenizer.apply_chat_template(messages, tokenize=False, chat_template=template))
    except TemplateError:
        return None


def escape(tokenizer: Any, messages: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """The messages with the tokenizer's control tokens escaped, for templates that take parts instead of texts."""
    pattern = _pattern(control_tokens(tokenizer))
    return [message | {"content": escape_control_tokens(message["content"], pattern)} for message in messages]


@lru_cache(maxsize=16)
def _pattern(tokens: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, tokens)) or r"(?!)")
