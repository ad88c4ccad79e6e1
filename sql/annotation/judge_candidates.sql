-- Two answers to one prompt that the rewards do not tell apart: at least one of them unrated, or both rated alike. A
-- synthetic reward counts as none. One pair per prompt, at most $max_pairs, by the hash of the prompt: tomorrow asks
-- about the same ones.
-- Reads: interactions, rated.
-- Parameters: $max_pairs.
WITH answers AS (
    SELECT * REPLACE (CASE WHEN reward_source <> 'synthetic' THEN reward END AS reward)
    FROM rated
    WHERE NOT coalesce(error, FALSE) AND answer_chars > 0 AND trainable
    QUALIFY row_number() OVER (PARTITION BY prompt_key, answer_key ORDER BY reward DESC NULLS LAST, interaction_id) = 1
),

pairs AS (
    SELECT
        a.prompt_key,
        a.segment,
        a.category,
        a.interaction_id AS first_id,
        a.landed_day AS first_day,
        b.interaction_id AS second_id,
        b.landed_day AS second_day
    FROM answers AS a JOIN answers AS b USING (prompt_key)
    WHERE
        a.interaction_id < b.interaction_id
        AND (
            a.reward IS NULL
            OR b.reward IS NULL
            OR a.reward_source <> b.reward_source
            OR abs(a.reward - b.reward) < 1e-9
        )
    QUALIFY row_number() OVER (PARTITION BY prompt_key ORDER BY a.interaction_id, b.interaction_id) = 1
    ORDER BY prompt_key
    LIMIT $max_pairs
)

SELECT
    pairs.*,
    one.prompt AS prompt,
    one.answer AS first,
    other.answer AS second
FROM pairs
JOIN interactions AS one ON one.interaction_id = first_id AND one.day = first_day
JOIN interactions AS other ON other.interaction_id = second_id AND other.day = second_day
ORDER BY pairs.prompt_key
