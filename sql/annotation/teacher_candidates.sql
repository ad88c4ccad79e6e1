-- Training prompts none of whose answers has a reward of $below or more, one logged answer each, the earliest: tomorrow
-- asks about the same ones. At most $most, by the hash of the prompt.
-- Reads: interactions, rated.
-- Parameters: $below, $most.
WITH asked AS (
    SELECT
        prompt_key,
        arg_min(interaction_id, (answered_at, interaction_id)) AS interaction_id
    FROM rated
    WHERE trainable AND prompt_fault IS NULL AND split = 'train'
    GROUP BY prompt_key
    HAVING coalesce(max(reward) < $below, TRUE)
    ORDER BY prompt_key
    LIMIT $most
)

SELECT
    interaction_id,
    asked.prompt_key,
    rated.segment,
    rated.category,
    interactions.prompt,
    interactions.context
FROM asked
JOIN rated USING (interaction_id)
JOIN interactions ON interactions.interaction_id = rated.interaction_id AND interactions.day = rated.landed_day
ORDER BY asked.prompt_key
