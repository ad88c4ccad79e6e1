-- Every answer of the trailing window with its reward, as known by the end of $day. Narrow: texts stay in
-- `interactions`. An answer that landed again counts once, as it was first. The reward is human feedback (mean over
-- raters of their latest value), else a verifier's, else the judge score `overall`, else a synthetic one; missing is
-- not zero. Raters without a name are told apart by their acts.
-- Reads: first_feedback, interaction_features, interactions, prompt_clusters.
-- Parameters: $day, $first.
WITH landed AS (
    SELECT
        day,
        roles,
        interaction_id,
        answered_at,
        prompt_key,
        answer_key,
        agent,
        category,
        task,
        segment,
        error,
        latency_ms,
        quality_scores,
        content_sha256,
        length(stripped(coalesce(answer, ''))) AS answer_chars,
        count(*) OVER one_id - 1 AS resent,
        count(*) OVER one_id - count(*) OVER same_content AS conflicts
    FROM interactions
    WINDOW one_id AS (PARTITION BY interaction_id), same_content AS (PARTITION BY interaction_id, content_sha256)
    QUALIFY row_number() OVER (PARTITION BY interaction_id ORDER BY day) = 1
),

answers AS (
    SELECT * FROM landed
    WHERE answered_at < cast($day AS DATE) + INTERVAL 1 DAY AND ($first IS NULL OR answered_at >= cast($first AS DATE))
),

latest AS (
    SELECT
        interaction_id,
        source,
        value
    FROM first_feedback
    WHERE value IS NOT NULL AND dimension = 'overall'
    QUALIFY row_number() OVER (
        PARTITION BY interaction_id, source, coalesce(rater, CASE source WHEN 'human' THEN feedback_id END)
        ORDER BY given_at DESC, feedback_id
    ) = 1
),

verdicts AS (
    SELECT
        interaction_id,
        source,
        avg(value) AS reward,
        count(*) AS raters
    FROM latest
    GROUP BY ALL
    UNION ALL
    SELECT
        interaction_id,
        'judge',
        quality_scores['overall'],
        1
    FROM answers
    WHERE
        quality_scores['overall'] IS NOT NULL
        AND interaction_id NOT IN (
            SELECT interaction_id FROM latest
            WHERE source = 'judge'
        )
),

statements AS (
    SELECT
        interaction_id,
        sha256(string_agg(content_sha256, '' ORDER BY feedback_id)) AS stated_sha256
    FROM first_feedback
    WHERE kind IN ('preference', 'correction')
    GROUP BY interaction_id
),

rewards AS (
    SELECT
        interaction_id,
        first(reward ORDER BY precedence) AS reward,
        first(source ORDER BY precedence) AS reward_source,
        first(raters ORDER BY precedence) AS raters
    FROM (SELECT
        *,
        list_position(['human', 'verifier', 'judge', 'synthetic'], source) AS precedence
    FROM verdicts)
    GROUP BY interaction_id
)

SELECT
    cast($day AS DATE) AS day,
    answers.interaction_id,
    answers.day AS landed_day,
    answered_at,
    prompt_key,
    answer_key,
    cluster_key,
    split_of(cluster_key) AS split,
    round(reward, 9) AS reward,
    reward_source,
    raters,
    agent,
    category,
    task,
    segment,
    error,
    latency_ms,
    answer_chars,
    coalesce(is_chat_prompt(roles), FALSE) AS trainable,
    personal_data,
    refusal,
    boilerplate,
    contaminated,
    language,
    CASE
        WHEN NOT trainable THEN 'untrainable_prompt'
        WHEN cluster_key IS NULL THEN 'between_splits'
        WHEN contaminated THEN 'contaminated'
    END AS prompt_fault,
    resent,
    conflicts,
    content_sha256,
    stated_sha256
FROM answers LEFT JOIN rewards USING (interaction_id) LEFT JOIN statements USING (interaction_id)
JOIN interaction_features AS features ON features.day = answers.day AND features.interaction_id = answers.interaction_id
LEFT JOIN prompt_clusters USING (prompt_key)
ORDER BY answers.interaction_id
