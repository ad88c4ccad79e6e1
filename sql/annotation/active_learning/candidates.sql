-- What people may be asked about: two answers to one prompt of the train split that nobody has compared, and single
-- answers that nobody has rated (their `high_id` is null). Pairs whose answers people rated apart are there only if a
-- judge contradicts them. Of each prompt at most two pairs, and in all at most $max_pairs pairs and as many answers, by
-- a hash that no answer can influence; those with a signal come on top.
-- Reads: compared, rated, signals.
-- Parameters: $max_pairs.
WITH answers AS (
    SELECT
        interaction_id,
        landed_day,
        prompt_key,
        cluster_key,
        answer_key,
        segment,
        task,
        reward_source
    FROM rated
    WHERE
        split = 'train' AND representative AND answer_chars > 0 AND NOT coalesce(error, FALSE)
        AND prompt_fault IS NULL
    QUALIFY row_number() OVER (PARTITION BY prompt_key ORDER BY md5(interaction_id)) <= 6
),

pairs AS (
    SELECT
        one.prompt_key,
        one.cluster_key,
        one.segment,
        one.task,
        one.interaction_id AS low_id,
        one.landed_day AS low_day,
        other.interaction_id AS high_id,
        other.landed_day AS high_day
    FROM answers AS one JOIN answers AS other
        ON
            one.prompt_key = other.prompt_key
            AND one.segment IS NOT DISTINCT FROM other.segment
            AND one.interaction_id < other.interaction_id
            AND one.answer_key <> other.answer_key
),

open_pairs AS (
    SELECT
        pairs.*,
        coalesce(signals.reasons, []) AS reasons,
        coalesce(signals.strength, 0) AS strength,
        coalesce(compared.is_stated, FALSE) AS is_stated,
        compared.low_id IS NOT NULL AS is_rated,
        md5(concat(pairs.low_id, '/', pairs.high_id)) AS draw
    FROM pairs
    LEFT JOIN compared USING (low_id, high_id)
    LEFT JOIN signals USING (low_id, high_id)
),

numbered_pairs AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY prompt_key, is_rated ORDER BY draw) AS place
    FROM open_pairs
    WHERE NOT is_stated AND (NOT is_rated OR strength > 0)
),

single_answers AS (
    SELECT
        prompt_key,
        cluster_key,
        segment,
        task,
        interaction_id AS low_id,
        landed_day AS low_day,
        cast(NULL AS VARCHAR) AS high_id,
        cast(NULL AS DATE) AS high_day,
        coalesce(signals.reasons, []) AS reasons,
        coalesce(signals.strength, 0) AS strength,
        FALSE AS is_rated,
        md5(interaction_id) AS draw
    FROM answers LEFT JOIN signals ON signals.low_id = interaction_id AND signals.high_id IS NULL
    WHERE reward_source IS DISTINCT FROM 'human'
),

kept AS (
    SELECT * EXCLUDE (place, is_stated) FROM numbered_pairs
    WHERE place <= 2 OR strength > 0
    QUALIFY row_number() OVER (ORDER BY draw) <= $max_pairs OR strength > 0
    UNION ALL BY NAME
    (
        SELECT * FROM single_answers
        QUALIFY row_number() OVER (ORDER BY draw) <= $max_pairs OR strength > 0
    )
)

SELECT * FROM kept
ORDER BY draw
