"""Exports of other tools, dropped into landing as the files that they are and materialized."""

import json

import dagster as dg

from rl_assets.defs.ingestion.raw_tables import landed_logs
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.settings import Settings
from rl_assets.tables.records import FEEDBACK, INTERACTIONS
from rl_assets_tests.support.logs import DAY, Product
from rl_assets_tests.support.pages import DOCS, blocks
from rl_assets_tests.support.rated_days import metadata

ANSWERS = {
    "open_webui": {"m-2"},
    "dify": {"d-1", "d-2", "annotation-dn-2"},
    "otel_genai": {"eee19b7ec3c1b174"},
    "langsmith": {"ls-1"},
    "sharegpt": {"sg-1", "sg-2"},
    "helicone": {"he-1"},
    "openpipe": {"op-1"},
    "argilla": {"ar-1", "ar-2-answer_1", "ar-2-answer_2"},
    "label_studio": {"label-studio-7-answer1", "label-studio-7-answer2", "label-studio-8"},
}


def test_exports_that_are_one_printed_json_array_become_answers_with_their_feedback(product: Product, instance) -> None:
    examples = {block.title: block.text for block in blocks("json", (DOCS / "log-formats.md",))}
    for title, text in examples.items():
        if (log_format := title.split("/")[1]) in ANSWERS:
            rows = [json.loads(line) for line in text.splitlines()]
            path = product.log(log_format=log_format, name="export.json")
            path.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    home = HomeResource.from_settings(Settings(home=product.landing.parent))
    result = dg.materialize([landed_logs], instance=instance, resources={"home": home}, partition_key=str(DAY))
    answers = dict[str, set[str]]()
    for row in product.rows(INTERACTIONS):
        answers.setdefault(row["source_file"].split("/")[0], set()).add(row["interaction_id"])
    assert answers == ANSWERS
    assert metadata(result, "ingested_files")["rejects"] == 0
    judged = {event["source_file"].split("/")[0] for event in product.rows(FEEDBACK)}
    assert judged == ANSWERS.keys() - {"openpipe"}


def test_a_blob_export_and_a_table_dropped_into_landing_are_answers_with_their_verdicts(product: Product, instance):
    lines = {
        "traces": {
            "id": "t-1",
            "timestamp": f"{DAY}T09:00:00Z",
            "user_id": "ann",
            "input": "Legs?",
            "output": "Eight.",
        },
        "observations": {
            "id": "o-1",
            "trace_id": "t-1",
            "type": "GENERATION",
            "start_time": f"{DAY}T09:00:00Z",
            "input": [{"role": "user", "content": "Legs?"}],
            "output": "Eight.",
        },
        "scores": {
            "id": "s-1",
            "trace_id": "t-1",
            "name": "overall",
            "value": 1,
            "data_type": "NUMERIC",
            "source": "API",
            "timestamp": f"{DAY}T09:01:00Z",
        },
    }
    for name, line in lines.items():
        product.log(line, log_format="langfuse", name=f"{name}.jsonl")
    table = product.log(log_format="interaction_log", name="export.csv")
    head = "interaction_id,timestamp,query,answer,agent_type,user_rating"
    table.write_text(f'{head}\nc-1,{DAY}T09:00:00Z,Colour?,"Blue,\nmostly.",desk,5\n', encoding="utf-8")
    home = HomeResource.from_settings(Settings(home=product.landing.parent))
    dg.materialize([landed_logs], instance=instance, resources={"home": home}, partition_key=str(DAY))
    answers = {row["interaction_id"]: (row["answer"], row["user_id"] is not None) for row in product.rows(INTERACTIONS)}
    assert answers == {"t-1": ("Eight.", True), "c-1": ("Blue,\nmostly.", False)}
    assert {event["interaction_id"]: event["value"] for event in product.rows(FEEDBACK)} == {"t-1": 1.0, "c-1": 1.0}
