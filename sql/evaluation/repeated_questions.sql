-- Good answers to held-out prompts that have two of them or more, at most $max_answers per prompt, by their ids.
-- Reads: interactions, rated.
-- Parameters: $max_answers, $min_reward.
WITH good AS (
    SELECT
        interaction_id,
        landed_day,
        prompt_key,
        coalesce(cluster_key, prompt_key) AS cluster_key,
        agent,
        category,
        task,
        segment,
        log_format
    FROM rated
    WHERE
        split = 'test' AND trainable AND NOT coalesce(error, FALSE)
        AND reaches(coalesce(pooled_reward, reward), $min_reward)
    QUALIFY
        count(*) OVER (PARTITION BY prompt_key) > 1
        AND row_number() OVER (PARTITION BY prompt_key ORDER BY interaction_id) <= $max_answers
)

SELECT
    good.* EXCLUDE (landed_day),
    interactions.answer
FROM good JOIN interactions ON interactions.interaction_id = good.interaction_id AND interactions.day = good.landed_day
ORDER BY good.cluster_key, good.prompt_key, good.interaction_id
