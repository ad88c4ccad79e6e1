-- Every answer of the window with why no dataset takes it as it is, or NULL in `unfit`. Its reward is that of its text
-- over all showings to one prompt; one showing represents them. Answers are numbered by their ids: numbers and short
-- keys are compared, joined and sorted in a fraction of the time that ids take.
-- Reads: rated.
-- Parameters: $synthetic.
SELECT
    number,
    interaction_id,
    landed_day,
    answered_at,
    short_key(prompt_key) AS prompt,
    short_key(answer_key) AS text,
    prompt_key,
    cluster_key,
    split,
    pooled_reward AS reward,
    pooled_source AS reward_source,
    pooled_raters AS raters,
    pooled_lowest AS lowest,
    pooled_lower AS lower,
    representative,
    agent,
    category,
    task,
    segment,
    log_format,
    latency_ms,
    answer_chars,
    error,
    refusal,
    coalesce(cut_off, FALSE) AS cut_off,
    boilerplate,
    prompt_fault,
    CASE
        WHEN error THEN 'error'
        WHEN prompt_fault IS NOT NULL THEN prompt_fault
        WHEN answer_chars = 0 THEN 'no_answer'
        WHEN pooled_reward IS NULL THEN 'no_reward'
        WHEN pooled_source = 'synthetic' AND NOT $synthetic THEN 'synthetic_reward'
        WHEN NOT representative THEN 'pooled'
    END AS unfit
FROM rated
