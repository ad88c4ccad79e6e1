"""Callbacks as LiteLLM calls them, from recorded arguments to rows of the lake."""

import asyncio
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rl_assets.logger import InteractionLogger
from rl_assets.serving.litellm_logger import interaction_of, litellm_callback
from rl_assets.tables.records import INTERACTIONS
from rl_assets_tests.support.log_service import log_service
from rl_assets_tests.support.logs import Product

START = 1790848800.0  # 2026-10-01T10:00:00Z


def payload(**fields: Any) -> dict[str, Any]:
    """A `standard_logging_object` as LiteLLM makes it of a chat completion."""
    return {
        "id": "chatcmpl-1",
        "trace_id": "trace-1",
        "call_type": "acompletion",
        "stream": True,
        "status": "success",
        "response_cost": 0.0021,
        "total_tokens": 42,
        "prompt_tokens": 30,
        "completion_tokens": 12,
        "startTime": START,
        "endTime": START + 1.5,
        "completionStartTime": START + 0.25,
        "model": "openai/assistant",
        "model_group": "assistant",
        "api_base": "http://127.0.0.1:8800/v1",
        "metadata": {"user_api_key_hash": "88dc28", "requester_metadata": {"segment": "acme", "category": "orders"}},
        "cache_hit": False,
        "request_tags": [],
        "end_user": "mary",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Where is my order?"}]},
        ],
        "response": {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "choices": [
                {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "On its way."}}
            ],
        },
        "error_str": None,
        "model_parameters": {"temperature": 0.2},
        **fields,
    }


@pytest.fixture
def litellm(monkeypatch):
    """The place of LiteLLM's base class, which does nothing by itself."""
    module = ModuleType("litellm.integrations.custom_logger")
    module.CustomLogger = type("CustomLogger", (), {})
    for name in ("litellm", "litellm.integrations"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)


def test_calls_become_rows_of_the_lake(litellm, product: Product, tmp_path: Path):
    failed = payload(
        id="chatcmpl-2", status="failure", response="", error_str="RateLimitError: slow down", stream=False
    )
    with log_service() as service:
        logger = InteractionLogger(service.url, spool=tmp_path / "spool", batch_seconds=0.02)
        callback = litellm_callback(logger)
        arguments = (None, None, None)
        callback.log_success_event({"standard_logging_object": payload()}, *arguments)
        asyncio.run(callback.async_log_success_event({"standard_logging_object": payload()}, *arguments))
        callback.log_failure_event({"standard_logging_object": failed}, *arguments)
        callback.log_success_event({"model": "x"}, *arguments)
        assert logger.flush(10)
        logger.close()
    product.log(*service.rows.values())
    day = product.ingest()
    assert (day.rows, day.rejects, day.unread_fields) == (2, {}, [])
    first, second = sorted(product.rows(INTERACTIONS), key=lambda row: row["interaction_id"])
    assert [turn["role"] for turn in first["prompt"]] == ["system", "user"]
    assert (first["prompt"][1]["content"], first["answer"]) == ("Where is my order?", "On its way.")
    names = ("agent", "segment", "category", "latency_ms", "first_token_ms", "tokens", "cost_usd", "session_id")
    assert [first[name] for name in names] == ["assistant", "acme", "orders", 1500, 250, 42, 0.0021, "trace-1"]
    assert (second["error"], second["error_message"], second["answer"]) == (True, "RateLimitError: slow down", None)


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": None},
        {"messages": [{"role": "user", "content": "redacted-by-litellm"}]},
        {"messages": [{"role": "user", "content": None}]},
        {"messages": ["text"]},
    ],
)
def test_a_call_without_a_readable_question_is_not_logged(fields):
    assert interaction_of(payload(**fields)) is None
