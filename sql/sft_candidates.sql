-- Every answer and every correction, with why it is not a training row, or NULL in `reason` where it is one.
-- One row a prompt: a human's correction first, then a teacher's, then the best reward, the shorter, the newer.
-- Reads `answers`, `rated` and `first_feedback`.
WITH offers AS (
    SELECT interaction_id, CAST(NULL AS VARCHAR) AS feedback_id, prompt_key, reward, answer_chars, answered_at,
        coalesce(unfit, CASE WHEN refusal THEN 'refusal' WHEN boilerplate THEN 'boilerplate' END) AS unfit,
        'log' AS origin
    FROM answers
    UNION ALL BY NAME
    SELECT interaction_id, feedback_id, prompt_key, 1.0 AS reward, length(stripped(preferred)) AS answer_chars,
        given_at AS answered_at,
        coalesce(prompt_fault, CASE WHEN stripped(preferred) = '' THEN 'no_answer' END) AS unfit,
        CASE source WHEN 'human' THEN 'human' ELSE 'teacher' END AS origin
    FROM first_feedback JOIN rated USING (interaction_id)
    WHERE kind = 'correction'
),
filtered AS (
    SELECT *, coalesce(unfit, CASE WHEN NOT reaches(reward, $min_reward) THEN 'low_reward' END) AS filtered_by
    FROM offers
),
ranked AS (
    SELECT *, CASE WHEN filtered_by IS NULL THEN row_number() OVER (
        PARTITION BY prompt_key, filtered_by IS NULL
        ORDER BY list_position(['human', 'teacher', 'log'], origin), reward DESC, answer_chars, answered_at DESC,
            interaction_id, feedback_id) END AS place
    FROM filtered
)
SELECT interaction_id, feedback_id, prompt_key, origin, reward, coalesce(filtered_by, CASE
    WHEN place > 1 THEN 'not_the_best'
    WHEN row_number() OVER (PARTITION BY place = 1 ORDER BY reward DESC, prompt_key) > $max_samples THEN 'over_max_samples'
    END) AS reason
FROM ranked
