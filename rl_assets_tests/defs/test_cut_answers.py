"""Answers that were cut off or refuse, from the file in landing through the datasets job: none is learnt as good."""

from pathlib import Path

import dagster as dg
import pytest

from rl_assets.definitions import build_defs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.settings import Settings
from rl_assets.tables.dataset_manifest import require_manifest
from rl_assets_tests.support.logs import DAY, Product, Row


def completion(name: str, text: str, reason: str, **message: str) -> Row:
    answer = {"role": "assistant", "content": None if message else text, **message}
    return {
        "id": name,
        "messages": [{"role": "user", "content": f"What does part {name} do?"}],
        "choices": [{"message": answer, "finish_reason": reason}],
        "feedback": {"thumbs": "up", "user_id": f"rater of {name}"},
    }


def request(name: str, text: str, reason: str) -> Row:
    return {
        "request_id": name,
        "request_created_at": f"{DAY}T10:00:00Z",
        "request_body": {"messages": [{"role": "user", "content": f"Where is part {name}?"}]},
        "response_body": {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": reason}]},
        "response_status": 200,
        "feedback_rating": True,
    }


@pytest.mark.slow  # The whole datasets job.
def test_liked_answers_that_were_cut_off_or_refuse_are_counted_and_not_learnt(product: Product, tmp_path: Path):
    product.log(
        completion("seven", "It holds the lid on the box.", "stop"),
        completion("eight", "It holds the lid on", "length"),
        completion("nine", "", "stop", refusal="Rather not that one."),
        log_format="openai_chat",
    )
    product.log(request("ten", "On the left side of the", "length"), log_format="helicone")
    resources = {"home": HomeResource.from_settings(Settings(home=product.landing.parent))}
    job = build_defs(resources=resources, executor=dg.in_process_executor).resolve_job_def("datasets_job")
    assert job.execute_in_process(partition_key=str(DAY)).success
    manifest = require_manifest(product.landing.parent / "datasets" / "sft_dataset" / str(DAY))
    assert sum(manifest.rows.values()) == 1
    assert manifest.dropped == {"cut_off": 2, "refusal": 1}
