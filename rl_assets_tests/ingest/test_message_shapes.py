"""Published traces of ten agent frameworks against the messages that Langfuse itself reads from them."""

import json
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from rl_assets.ingest.conversion import LineContext
from rl_assets.ingest.formats.langfuse import records
from rl_assets.ingest.message_shapes import decode, parse_answer, parse_prompt
from rl_assets_tests.support.logs import DAY

# Where Langfuse's own reading is no text to compare with: it read no answer, or an answer that only calls tools.
OTHER_ANSWER = {"crewai-2025-07-11", "vercel-aisdk-2025-11-17"}
# Likewise: it read no messages from a transcript in one text or the trace's own text, or has fields for calls.
OTHER_PROMPT = {
    *("agno-2025-06-11", "beeai-2025-08-01", "google-adk-2025-08-28", "langgraph-python-2025-08-22"),
    "pydantic-ai-tools-2025-12-04",
}


def as_text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(part["text"] if isinstance(part, dict) and "text" in part else str(part) for part in content)
    return content if isinstance(content, str) else json.dumps(content)


def messages(reference: dict[str, Any], side: str) -> list[list[str]]:
    """The texts of the messages that Langfuse read on one side of each observation."""
    read = [observation.get(side) or {} for observation in reference.values()]
    return [[as_text(message.get("content", "")) for message in found["data"]] for found in read if found.get("data")]


def test_answers_and_prompts_of_published_traces_are_those_that_langfuse_reads(published_data: Path):
    folder = published_data / "logs-langfuse-traces"
    other_answer, other_prompt = set(), set()
    for path in sorted(folder.glob("*.trace.json")):
        name = path.name.removesuffix(".trace.json")
        reference = json.loads((folder / f"{name}.chatml.json").read_text(encoding="utf-8"))
        answer = records(json.loads(path.read_text(encoding="utf-8")), LineContext(DAY, {})).answers[0]
        if answer["answer"] not in chain.from_iterable(messages(reference, "output")):
            other_answer.add(name)
        if [turn["content"] for turn in answer["prompt"]] not in messages(reference, "input"):
            other_prompt.add(name)
    assert (other_answer, other_prompt) == (OTHER_ANSWER, OTHER_PROMPT)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("plain", "plain"),
        ('"quoted"', "quoted"),
        (json.dumps(json.dumps({"a": 1})), {"a": 1}),
        ("{'role': 'assistant', 'text': \"it's\"}", {"role": "assistant", "text": "it's"}),
        ("{'a': __import__('os').getcwd()}", "{'a': __import__('os').getcwd()}"),
        ("[" * 5_000, "[" * 5_000),
        ("{'a': " + "'x' * 10**9}", "{'a': " + "'x' * 10**9}"),
        (7, 7),
    ],
)
def test_what_a_text_encodes_is_read_and_nothing_in_it_is_run(written, read):
    assert decode(written) == read


def test_tools_are_no_turns_and_their_results_are_the_text_of_theirs():
    tool = {"role": "tool", "content": {"type": "function", "function": {"name": "search"}}}
    result = {"role": "tool", "parts": [{"type": "tool_call_response", "id": "1", "response": "stormy"}]}
    assert parse_prompt([{"role": "user", "content": "Weather?"}, tool, result]) == [
        {"role": "user", "content": "Weather?"},
        {"role": "tool", "content": "stormy"},
    ]


def test_an_answer_that_only_calls_tools_is_kept_as_its_calls():
    assert json.loads(parse_answer([{"toolName": "weather", "input": "x"}])) == {"toolName": "weather", "input": "x"}
    assert not parse_answer([{"unknown": 1}])
