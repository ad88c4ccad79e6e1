"""Canonical tables, which every log format is converted to. The UI shows each column's description."""

from typing import Literal, get_args

import pyarrow as pa

from rl_assets.lake.table import TIME, Table, column

RejectReason = Literal[
    "not_json",
    "not_an_object",
    "not_a_row",
    "duplicate_key",
    "missing_field",
    "wrong_type",
    "out_of_range",
    "bad_timestamp",
    "conflicting_duplicate",
    "too_long",
    "not_utf8",
    "not_a_log_file",
    "unknown_kind",
    "reader_failed",
]
REJECT_REASONS: tuple[str, ...] = get_args(RejectReason)
RAW_CHARACTERS = 4096

MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))

DAY = column("day", pa.date32(), "log day (UTC) of the file it came from; the partition")
SOURCE = (
    column("source_file", pa.string(), "file below the landing folder"),
    column("source_line", pa.int64(), "line of that file, from 1; 0 is the whole file"),
)

INTERACTIONS = Table(
    "interactions",
    pa.schema(
        [
            DAY,
            column("interaction_id", pa.string(), "unique within the day"),
            column("answered_at", TIME, "event time; windows use it"),
            column(
                "prompt",
                MESSAGES,
                "the conversation that was answered, system turns included, as it was sent",
            ),
            column("answer", pa.string(), "text of the answer; null if only the question was logged"),
            column("context", pa.string(), "context that retrieval gave the agent"),
            column("sources", pa.string(), "retrieved sources, as JSON"),
            column("agent", pa.string(), "agent that answered"),
            column("category", pa.string(), "kind of question"),
            column("task", pa.string(), "kind of task"),
            column("segment", pa.string(), "product segment with an adapter of its own"),
            column("model", pa.string(), "model that answered"),
            column("adapter", pa.string(), "adapter that answered"),
            column("propensity", pa.float64(), "probability with which this arm was chosen, in (0, 1], as logged"),
            column("quality_scores", pa.map_(pa.string(), pa.float64()), "judge scores in [0, 1] by name"),
            column(
                "raw_scores",
                pa.map_(pa.string(), pa.float64()),
                "judge scores as reported, if the range of one is not [0, 1]",
            ),
            column("latency_ms", pa.float64(), "time to answer in ms"),
            column("tokens", pa.int64(), "tokens used"),
            column("cost_usd", pa.float64(), "cost in US dollars"),
            column("tools_used", pa.list_(pa.string()), "names of the tools called"),
            column("retrieval_method", pa.string(), "how context was found"),
            column("top_k", pa.int64(), "number of sources requested"),
            column("error", pa.bool_(), "the agent failed"),
            column("error_message", pa.string(), "why it failed"),
            column(
                "finish_reason",
                pa.string(),
                "why the model stopped, if it was logged: stop, length, content_filter, tool_calls, refusal",
            ),
            column("reasoning", pa.string(), "what the model thought, apart from the answer; no dataset reads it"),
            column("session_id", pa.string(), "id of the conversation"),
            column("user_id", pa.string(), "keyed hash (HMAC-SHA256) of the user's id"),
            column("assigned_arm", pa.string(), "arm that was chosen; a fallback may have answered in its place"),
            column("drawn", pa.bool_(), "the arm was drawn; false if the caller named it, which is no evidence"),
            column("arms", pa.string(), "probability of each arm that could have been drawn, as JSON"),
            column("policy_version", pa.string(), "version of the policy that the probabilities come from"),
            column("first_token_ms", pa.float64(), "time to the first token in ms"),
            column("fallback_reason", pa.string(), "why another arm answered than the one chosen"),
            column("content_sha256", pa.string(), "hash of everything that the log has on this answer"),
            column("prompt_key", pa.string(), "hash of the normalised conversation, task and context"),
            column(
                "answer_key",
                pa.string(),
                "hash of the answer without outer whitespace; equal answers share it",
            ),
            column(
                "roles",
                pa.string(),
                "roles of the prompt's messages in order; null if one of them is blank, or if they or the answer "
                "hold pictures, sounds or files",
            ),
            *SOURCE,
        ]
    ),
    identity=("interaction_id", "content_sha256"),
    distinct=("interaction_id", "answer", "content_sha256", "answer_key", "source_line"),
    erasure_spreads=True,
)

FEEDBACK = Table(
    "feedback",
    pa.schema(
        [
            DAY,
            column("feedback_id", pa.string(), "id from the log, or a hash of the content"),
            column("interaction_id", pa.string(), "the answer it rates; feedback may land before its answer"),
            column("given_at", TIME, "when it was given"),
            column("kind", pa.string(), "reward, rating, thumbs, preference, tie, correction, comment or retraction"),
            column(
                "value",
                pa.float64(),
                "value in [0, 1], if it has one: stars (r - 1) / 4, thumbs 1 or 0",
            ),
            column("raw_value", pa.float64(), "the number as reported, if its range is not [0, 1]"),
            column("dimension", pa.string(), "overall, accuracy, brand, compliance, ..."),
            column("source", pa.string(), "human, verifier, judge or synthetic"),
            column("preferred", pa.string(), "the better text of a preference, or the corrected answer"),
            column("rejected", pa.string(), "the worse text of a preference"),
            column("comment", pa.string(), "free text"),
            column("rater", pa.string(), "keyed hash (HMAC-SHA256) of the rater's id"),
            column("shown_first", pa.string(), "which of two compared answers the rater saw first"),
            column("other_interaction_id", pa.string(), "the second of two compared answers"),
            column("seconds", pa.float64(), "time that the rater took in s"),
            column("retracts", pa.string(), "of a retraction: the feedback id that it takes away, and nothing else"),
            column("content_sha256", pa.string(), "hash of everything that the log has on this event"),
            column(
                "position",
                pa.int64(),
                "order in which events of one rater landed that have the same time, from 1",
            ),
            *SOURCE,
        ]
    ),
    identity=("feedback_id", "content_sha256", "position"),
)

REJECTED_RECORDS = Table(
    "rejected_records",
    pa.schema(
        [
            DAY,
            *SOURCE,
            column("reason", pa.string(), f"one of {', '.join(REJECT_REASONS)}"),
            column("detail", pa.string(), "the field or the value at fault"),
            column("raw", pa.string(), f"the first {RAW_CHARACTERS} characters of the line"),
        ]
    ),
    identity=("source_file", "source_line", "reason", "raw"),
)

INGESTED_FILES = Table(
    "ingested_files",
    pa.schema(
        [
            DAY,
            column("source_file", pa.string(), "file below the landing folder"),
            column("fingerprint", pa.string(), "sha256 of the file's bytes"),
            column("lines", pa.int64(), "lines read = rows + duplicates + rejects"),
            column("rows", pa.int64(), "lines that became canonical records"),
            column("duplicates", pa.int64(), "lines that repeat a canonical record"),
            column("rejects", pa.int64(), "rejected lines"),
        ]
    ),
    identity=("source_file", "fingerprint", "lines", "rows", "duplicates", "rejects"),
)
