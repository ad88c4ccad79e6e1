"""Fields of Langfuse's traces, observations and scores, in the spelling of its API (`userId`) and of its scheduled blob
storage export (`user_id`).

Source: the API reference of langfuse.com (traces, observations, scores) and its page on the fields of the blob storage
export.
"""

import re
from typing import Any, Literal

from rl_assets.ingest.message_shapes import decode
from rl_assets.ingest.parsers import Json, identifier, number
from rl_assets.ingest.vendor_fields import first_of, whole

TRACE = (
    *("id", "timestamp", "name", "sessionId", "userId", "input", "output", "scores", "corrections", "observations"),
    *("metadata", "tags", "release", "version", "environment", "public", "bookmarked", "projectId", "externalId"),
    *("createdAt", "updatedAt", "latency", "totalCost", "htmlPath", "level", "errorCount", "warningCount", "comments"),
    *("defaultCount", "debugCount", "observationCount", "inputTokens", "outputTokens", "totalTokens", "usage"),
    *("inputCost", "outputCost"),
)
OBSERVATION = (
    *("id", "traceId", "type", "name", "startTime", "endTime", "input", "output", "level", "statusMessage", "model"),
    *("providedModelName", "parentObservationId", "usage", "usageDetails", "costDetails", "totalUsage", "totalTokens"),
    *("totalCost", "calculatedTotalCost", "inputCost", "outputCost", "promptTokens", "completionTokens", "inputUsage"),
    *("outputUsage", "calculatedInputCost", "calculatedOutputCost", "modelParameters", "completionStartTime"),
    *("promptId", "promptName", "promptVersion", "modelId", "internalModelId", "timeToFirstToken", "latency", "unit"),
    *("inputPrice", "outputPrice", "totalPrice", "usagePricingTierName", "usagePricingTierId", "toolCalls"),
    *("toolCallNames", "toolDefinitions", "traceName", "traceTags", "traceTimestamp", "userId", "sessionId"),
    *("providedUsageDetails", "providedCostDetails", "isRoot", "release", "tags", "metadata"),
)
SCORE = (
    *("id", "timestamp", "traceId", "observationId", "sessionId", "datasetRunId", "name", "value", "stringValue"),
    *("longStringValue", "dataType", "source", "comment", "authorUserId", "configId", "queueId", "metadata"),
    *("executionTraceId", "stringValues", "subject"),
)
CAMEL = tuple(dict.fromkeys((*TRACE, *OBSERVATION, *SCORE)))
NAMES = {re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name): name for name in CAMEL}
FIELDS = (*dict.fromkeys((*CAMEL, *NAMES)), "trace", *(f"trace.{name}" for name in dict.fromkeys((*TRACE, *NAMES))))
TYPES = {
    *("GENERATION", "SPAN", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR", "EMBEDDING", "GUARDRAIL"),
}
Kind = Literal["trace", "observation", "score"]


SUBJECTS = {"trace": "traceId", "observation": "observationId", "session": "sessionId"}  # of scores of the v3 API


def spelled(row: Json) -> dict[str, Any]:
    """The object with fields in the API's spelling; what a score is on stands in fields of its own."""
    subject = decode(row.get("subject"))
    if isinstance(subject, dict) and (field := SUBJECTS.get(str(subject.get("kind")))):
        named = {"traceId": subject.get("traceId"), field: subject.get("id")}
        row = {**row, **{name: value for name, value in named.items() if row.get(name) in (None, "")}}
    if not any("_" in name for name in row):
        return dict(row)
    given = {NAMES.get(name, name): value for name, value in row.items() if value not in (None, "")}
    return {**{NAMES.get(name, name): None for name in row}, **given}


def kind_of(row: Json) -> Kind | None:
    """What a line without a `trace` in it is; None if it is nothing of Langfuse."""
    if str(row.get("type")).upper() in TYPES or ("startTime" in row and "traceId" in row):
        return "observation"
    if "name" in row and ("value" in row or "stringValue" in row) and ("source" in row or "dataType" in row):
        return "score"
    return "trace" if {"id", "timestamp", "observations"} & row.keys() else None


def model_of(observation: Json) -> str | None:
    return identifier({"model": first_of(observation, "model", "providedModelName")}, "model")


def tokens_of(observation: Json) -> int | None:
    """All tokens of an observation, of the fields that hold their sum, else of input and output."""
    for name in ("usageDetails", "usage"):
        if isinstance(counts := decode(observation.get(name)), dict) and counts.get("unit") in (None, "TOKENS"):
            total = first_of(counts, "total", "totalTokens", "total_tokens")
            parts = [first_of(counts, f"{side}", f"{side}Tokens", f"{side}_tokens") for side in ("input", "output")]
            if total is not None or any(part is not None for part in parts):
                return _sum([total] if total is not None else parts, f"{name}.total")
    return _sum([first_of(observation, "totalUsage", "totalTokens")], "totalUsage")


def _sum(parts: list[Any], field: str) -> int | None:
    counts = [number({field: part}, field) for part in parts if part is not None]
    return whole(sum(count or 0 for count in counts)) if counts else None


def cost_of(observation: Json) -> float | None:
    """What an observation cost, in US dollars."""
    details = decode(observation.get("costDetails"))
    total = details.get("total") if isinstance(details, dict) else None
    cost = first_of(observation, "totalCost", "calculatedTotalCost")
    return number({"totalCost": cost if cost is not None else total}, "totalCost")
