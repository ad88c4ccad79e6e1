-- The records that a log format gives: answers and feedback events.
-- The linter does not know CREATE TYPE ... AS STRUCT.
-- noqa: disable=PRS

CREATE OR REPLACE TEMP TYPE interaction_record AS STRUCT(
    interaction_id VARCHAR,
    answered_at TIMESTAMPTZ,
    prompt STRUCT(role VARCHAR, content VARCHAR)[],
    answer VARCHAR,
    context VARCHAR,
    sources VARCHAR,
    agent VARCHAR,
    category VARCHAR,
    task VARCHAR,
    segment VARCHAR,
    model VARCHAR,
    adapter VARCHAR,
    propensity DOUBLE,
    quality_scores MAP(VARCHAR, DOUBLE),
    raw_scores MAP(VARCHAR, DOUBLE),
    latency_ms DOUBLE,
    tokens BIGINT,
    cost_usd DOUBLE,
    tools_used VARCHAR[],
    retrieval_method VARCHAR,
    top_k BIGINT,
    error BOOLEAN,
    error_message VARCHAR,
    finish_reason VARCHAR,
    reasoning VARCHAR,
    session_id VARCHAR,
    user_id VARCHAR,
    assigned_arm VARCHAR,
    drawn BOOLEAN,
    arms VARCHAR,
    policy_version VARCHAR,
    first_token_ms DOUBLE,
    fallback_reason VARCHAR
);

CREATE OR REPLACE TEMP TYPE feedback_record AS STRUCT(
    feedback_id VARCHAR,
    interaction_id VARCHAR,
    given_at TIMESTAMPTZ,
    kind VARCHAR,
    value DOUBLE,
    raw_value DOUBLE,
    dimension VARCHAR,
    source VARCHAR,
    preferred VARCHAR,
    rejected VARCHAR,
    comment VARCHAR,
    rater VARCHAR,
    shown_first VARCHAR,
    other_interaction_id VARCHAR,
    seconds DOUBLE,
    retracts VARCHAR
);
