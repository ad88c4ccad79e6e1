-- Every answer of the trailing window with its reward, as known by the end of $day. Narrow: texts stay in
-- `interactions`. An answer that landed again counts once, as it was first. The reward is human feedback (mean over
-- raters of their latest value), else a verifier's, else the judge score `overall`, else a synthetic one; missing is
-- not zero, and `reward_dimension` names the score. Raters without a name are told apart by their acts. An answer text
-- may be shown many times: showings with one prompt and one text are a pool, with one pooled reward (human: mean over
-- raters of their latest value on any showing; otherwise over the verdicts of all showings), and one of them is its
-- representative: rated, and the newest.
-- Reads: first_feedback, interaction_features, interactions, prompt_clusters, verdicts.
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
        adapter,
        propensity,
        assigned_arm,
        drawn,
        arms,
        policy_version,
        error,
        coalesce(finish_reason IN ('length', 'content_filter'), FALSE) AS cut_off,
        latency_ms,
        last_value(quality_scores['overall'] IGNORE NULLS) OVER same_answer AS judge_score,
        split_part(source_file, '/', 1) AS log_format,
        content_sha256,
        answer_length(answer) AS answer_chars,
        count(*) OVER one_id - 1 AS resent,
        count(*) OVER one_id - count(*) OVER same_content AS conflicts,
        short_key(sha256(concat_ws('/', error, prompt_key, coalesce(answer_key, interaction_id)))) AS pool
    FROM interactions
    WINDOW
        one_id AS (PARTITION BY interaction_id),
        same_content AS (PARTITION BY interaction_id, content_sha256),
        -- A later export of an answer may be the first one with its score.
        same_answer AS (
            PARTITION BY interaction_id, prompt_key, answer_key
            ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        )
    QUALIFY row_number() OVER (PARTITION BY interaction_id ORDER BY day) = 1
),

answers AS (
    SELECT * FROM landed
    WHERE answered_at < cast($day AS DATE) + INTERVAL 1 DAY AND ($first IS NULL OR answered_at >= cast($first AS DATE))
),

latest AS (
    SELECT * FROM verdicts
    QUALIFY row_number() OVER (
        PARTITION BY interaction_id, source, voter
        ORDER BY given_at DESC, day DESC, position DESC NULLS LAST, feedback_id DESC
    ) = 1
),

scores AS (
    SELECT
        interaction_id,
        source,
        dimension,
        value
    FROM latest
    UNION ALL
    SELECT
        interaction_id,
        'judge',
        'overall',
        judge_score
    FROM answers
    WHERE
        judge_score IS NOT NULL
        AND interaction_id NOT IN (
            SELECT interaction_id FROM latest
            WHERE source = 'judge'
        )
),

rewards_by_source AS (
    SELECT
        interaction_id,
        source,
        min(dimension) AS dimension,
        avg(value) AS reward,
        count(*) AS raters
    FROM scores
    GROUP BY interaction_id, source
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
        first(dimension ORDER BY precedence) AS reward_dimension,
        first(raters ORDER BY precedence) AS raters
    FROM (SELECT
        *,
        list_position(['human', 'verifier', 'judge', 'synthetic'], source) AS precedence
    FROM rewards_by_source)
    GROUP BY interaction_id
),

pool_scores AS (
    (
        SELECT
            pool,
            source,
            value
        FROM latest JOIN answers USING (interaction_id)
        WHERE source = 'human'
        QUALIFY row_number() OVER (
            PARTITION BY pool, voter ORDER BY given_at DESC, latest.day DESC, position DESC NULLS LAST, feedback_id DESC
        ) = 1
    )
    UNION ALL
    SELECT
        pool,
        source,
        value
    FROM scores JOIN answers USING (interaction_id)
    WHERE source <> 'human'
),

pool_verdicts AS (
    SELECT
        pool,
        list_position(['human', 'verifier', 'judge', 'synthetic'], source) AS precedence,
        {
            'source': source, 'reward': avg(value), 'raters': count(*), 'lowest': min(value),
            'lower': pooled_lower(avg(value), var_pop(value), count(*))
        } AS verdict
    FROM pool_scores
    GROUP BY pool, source
),

pool_rewards AS (
    SELECT
        pool,
        arg_min(verdict, precedence) AS pooled
    FROM pool_verdicts
    GROUP BY pool
),

described AS (
    SELECT
        answers.interaction_id,
        coalesce(is_chat_prompt(roles), FALSE) AS trainable,
        cluster_key,
        personal_data,
        refusal,
        boilerplate,
        contaminated,
        language,
        CASE
            WHEN NOT trainable THEN 'untrainable_prompt'
            WHEN cluster_key IS NULL THEN 'between_splits'
            WHEN contaminated THEN 'contaminated'
        END AS prompt_fault
    FROM answers JOIN interaction_features AS features
        ON features.day = answers.day AND features.interaction_id = answers.interaction_id
    LEFT JOIN prompt_clusters USING (prompt_key)
),

repeated_showings AS (
    SELECT interaction_id
    FROM answers JOIN described USING (interaction_id)
    LEFT JOIN rewards USING (interaction_id) LEFT JOIN pool_rewards USING (pool)
    WHERE
        pool IN (
            SELECT showings.pool FROM answers AS showings
            GROUP BY showings.pool
            HAVING count(*) > 1
        )
    QUALIFY row_number() OVER (
        PARTITION BY pool
        ORDER BY
            prompt_fault IS NOT NULL, reward_source IS DISTINCT FROM pooled.source, answered_at DESC, interaction_id
    ) > 1
)

SELECT
    cast($day AS DATE) AS day,
    interaction_id,
    answers.day AS landed_day,
    answered_at,
    prompt_key,
    answer_key,
    cluster_key,
    split_of(cluster_key) AS split,
    round(reward, 9) AS reward,
    reward_source,
    reward_dimension,
    raters,
    round(pooled.reward, 9) AS pooled_reward,
    pooled.source AS pooled_source,
    pooled.raters AS pooled_raters,
    round(pooled.lowest, 9) AS pooled_lowest,
    round(pooled.lower, 9) AS pooled_lower,
    interaction_id NOT IN (SELECT repeated_showings.interaction_id FROM repeated_showings) AS representative,
    agent,
    category,
    task,
    segment,
    adapter,
    propensity,
    assigned_arm,
    drawn,
    arms,
    policy_version,
    log_format,
    error,
    latency_ms,
    answer_chars,
    trainable,
    personal_data,
    refusal,
    cut_off,
    boilerplate,
    contaminated,
    language,
    prompt_fault,
    resent,
    conflicts,
    content_sha256,
    stated_sha256
FROM answers JOIN described USING (interaction_id)
LEFT JOIN rewards USING (interaction_id) LEFT JOIN statements USING (interaction_id)
LEFT JOIN pool_rewards USING (pool)
ORDER BY interaction_id
