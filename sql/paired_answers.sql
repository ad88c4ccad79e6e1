-- The answers that pairs are made of, at most $max_answers a prompt and reward source, evenly over their sorted rewards;
-- with their places from the best down. Narrow, because it is joined with itself. Reads `rated` and `first_feedback`.
WITH ranked AS (
    SELECT interaction_id, prompt_key, short_key(answer_key) AS answer_key, reward, reward_source, answer_chars, error,
        prompt_fault,
        row_number() OVER (
            PARTITION BY prompt_key, reward_source ORDER BY reward DESC, answer_chars, interaction_id) - 1 AS place,
        count(*) OVER one_group AS size,
        abs(reward - avg(reward) OVER one_group + 2 * stddev_pop(reward) OVER one_group) AS off_mu2s
    FROM rated
    WHERE reward IS NOT NULL AND answer_chars > 0
    WINDOW one_group AS (PARTITION BY prompt_key, reward_source)
)
SELECT * EXCLUDE (off_mu2s), interaction_id IN (SELECT interaction_id FROM first_feedback WHERE kind = 'rating') AS stars,
    row_number() OVER (PARTITION BY prompt_key, reward_source ORDER BY off_mu2s, interaction_id) AS mu2s_place
FROM ranked
WHERE spread(place, size, $max_answers)
