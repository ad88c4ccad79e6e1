-- Every answer of the window with why no dataset takes it as it is, or NULL in `unfit`. Its reward is that of its text
-- over all showings to one prompt; one showing represents them. Answers are numbered by their ids: numbers and short
-- keys are compared, joined and sorted in a fraction of the time that ids take. Where nobody else judged a text, and
-- $sources name synthetic rewards, a believed panel's overall score is its reward; held-out prompts never have one.
-- Reads: rated, synthetic_feedback.
-- Parameters: $sources.
WITH panel AS (
    SELECT
        interaction_id,
        avg(value) AS score
    FROM synthetic_feedback
    WHERE believed AND dimension = 'overall' AND list_contains($sources, 'synthetic')
    GROUP BY interaction_id
),

rewarded AS (
    SELECT
        rated.* REPLACE (
            coalesce(pooled_reward, score) AS pooled_reward,
            coalesce(pooled_source, CASE WHEN score IS NOT NULL THEN 'synthetic' END) AS pooled_source,
            coalesce(pooled_raters, CASE WHEN score IS NOT NULL THEN 1 END) AS pooled_raters,
            coalesce(pooled_lowest, score) AS pooled_lowest,
            coalesce(pooled_lower, score) AS pooled_lower
        )
    FROM rated LEFT JOIN panel ON panel.interaction_id = rated.interaction_id
)

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
        WHEN NOT list_contains($sources, pooled_source) THEN pooled_source || '_not_asked_for'
        WHEN pooled_source = 'synthetic' AND coalesce(split, '') <> 'train' THEN 'synthetic_held_out'
        WHEN NOT representative THEN 'pooled'
    END AS unfit
FROM rewarded
