-- Every answer of the window with why no dataset takes it as it is, or NULL in `unfit`. Answers are numbered by their
-- ids: numbers and short keys are compared, joined and sorted in a fraction of the time that ids take.
-- Reads: rated.
-- Parameters: none.
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
    reward,
    reward_source,
    agent,
    category,
    segment,
    latency_ms,
    answer_chars,
    error,
    refusal,
    boilerplate,
    prompt_fault,
    CASE
        WHEN error THEN 'error'
        WHEN prompt_fault IS NOT NULL THEN prompt_fault
        WHEN answer_chars = 0 THEN 'no_answer'
        WHEN reward IS NULL THEN 'no_reward'
    END AS unfit
FROM rated
