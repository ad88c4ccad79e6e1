-- What people said of two answers to one prompt: the mean over their verdicts, 1 if the answer with the lower id is
-- better, and whether somebody compared the two, rather than rated each of them apart. Ratings differ if people's
-- rewards are at least $margin apart. At most six answers of a prompt are paired by their ratings.
-- Reads: first_feedback, rated.
-- Parameters: $margin.
WITH stated AS (
    SELECT
        one.interaction_id AS one_id,
        other.interaction_id AS other_id,
        one.prompt_key,
        CASE
            WHEN kind = 'tie' THEN 0.5
            WHEN answer_key(preferred) = one.answer_key THEN 1.0
            WHEN answer_key(preferred) = other.answer_key THEN 0.0
        END AS one_better
    FROM first_feedback JOIN rated AS one USING (interaction_id)
    JOIN rated AS other
        ON
            other.prompt_key = one.prompt_key
            AND other.answer_key <> one.answer_key
            AND CASE
                WHEN other_interaction_id IS NOT NULL THEN other.interaction_id = other_interaction_id
                ELSE
                    other.representative
                    AND other.answer_key IN (answer_key(preferred), answer_key(rejected))
                    AND one.answer_key IN (answer_key(preferred), answer_key(rejected))
            END
    WHERE kind IN ('preference', 'tie') AND source = 'human'
),

people AS (
    SELECT * FROM rated
    WHERE representative AND reward_source = 'human' AND NOT coalesce(error, FALSE) AND answer_chars > 0
    QUALIFY row_number() OVER (PARTITION BY prompt_key ORDER BY md5(interaction_id)) <= 6
),

implied AS (
    SELECT
        one.interaction_id AS one_id,
        other.interaction_id AS other_id,
        one.prompt_key,
        cast(one.reward > other.reward AS DOUBLE) AS one_better
    FROM people AS one JOIN people AS other
        ON
            one.prompt_key = other.prompt_key
            AND one.interaction_id < other.interaction_id
            AND one.answer_key <> other.answer_key
    WHERE abs(one.reward - other.reward) >= $margin
),

verdicts_of_pairs AS (
    SELECT
        least(one_id, other_id) AS low_id,
        greatest(one_id, other_id) AS high_id,
        prompt_key,
        CASE WHEN one_id < other_id THEN one_better ELSE 1 - one_better END AS low_better,
        TRUE AS is_stated
    FROM stated
    WHERE one_better IS NOT NULL
    UNION ALL
    SELECT
        one_id,
        other_id,
        prompt_key,
        one_better,
        FALSE
    FROM implied
)

SELECT
    low_id,
    high_id,
    any_value(prompt_key) AS prompt_key,
    -- What somebody said of the pair outweighs what ratings of its answers imply.
    coalesce(avg(low_better) FILTER (is_stated), avg(low_better)) AS low_better,
    bool_or(is_stated) AS is_stated
FROM verdicts_of_pairs
GROUP BY low_id, high_id
ORDER BY low_id, high_id
