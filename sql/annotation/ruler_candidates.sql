-- Prompts of training and validation with two or more different fit answers whose rewards do not tell them apart: one
-- has none (a synthetic one counts as none), they are of several sources, or all lie within $min_spread. At most
-- $max_groups, by the hash of the prompt: tomorrow asks about the same ones. Of more than $max_answers answers to a
-- prompt those with the smallest hashes are in its group. One row per answer, with the reward that it has.
-- Reads: interactions, rated.
-- Parameters: $max_answers, $max_groups, $min_spread.
WITH fit AS (
    SELECT
        prompt_key,
        cluster_key,
        split,
        interaction_id,
        landed_day,
        answer_key,
        CASE WHEN pooled_source <> 'synthetic' THEN pooled_reward END AS reward,
        CASE WHEN pooled_source <> 'synthetic' THEN pooled_source END AS reward_source
    FROM rated
    WHERE
        NOT coalesce(error, FALSE) AND answer_chars > 0 AND prompt_fault IS NULL AND representative
        AND NOT coalesce(cut_off, FALSE) AND split IN ('train', 'validation')
    QUALIFY row_number() OVER (PARTITION BY prompt_key ORDER BY answer_key, interaction_id) <= $max_answers
),

prompts AS (
    SELECT prompt_key FROM fit
    GROUP BY prompt_key
    HAVING
        count(*) >= 2
        AND (
            count(reward) < count(*) OR count(DISTINCT reward_source) > 1 OR max(reward) - min(reward) <= $min_spread
        )
    ORDER BY prompt_key
    LIMIT $max_groups
)

SELECT
    fit.* EXCLUDE (answer_key),
    interactions.prompt,
    interactions.answer
FROM fit JOIN prompts USING (prompt_key)
JOIN interactions ON interactions.interaction_id = fit.interaction_id AND interactions.day = fit.landed_day
ORDER BY fit.prompt_key, fit.interaction_id
