-- Training prompts none of whose answers has a reward of $below or more that is not synthetic, one logged answer each,
-- the earliest: tomorrow asks about the same ones. At most $max_prompts, by the hash of the prompt.
-- Reads: interactions, rated.
-- Parameters: $below, $max_prompts.
WITH candidates AS (
    SELECT
        prompt_key,
        arg_min(interaction_id, (answered_at, interaction_id)) AS interaction_id
    FROM rated
    WHERE trainable AND prompt_fault IS NULL AND split = 'train'
    GROUP BY prompt_key
    HAVING coalesce(max(reward) FILTER (reward_source <> 'synthetic') < $below, TRUE)
    ORDER BY prompt_key
    LIMIT $max_prompts
)

SELECT
    interaction_id,
    candidates.prompt_key,
    rated.segment,
    rated.category,
    interactions.prompt,
    interactions.context
FROM candidates
JOIN rated USING (interaction_id)
JOIN interactions ON interactions.interaction_id = rated.interaction_id AND interactions.day = rated.landed_day
ORDER BY candidates.prompt_key
