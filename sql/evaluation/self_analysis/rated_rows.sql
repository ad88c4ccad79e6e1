-- Rated answers of the window with what may explain their reward; synthetic rewards explain nothing. At most $max_rows,
-- by a hash.
-- Reads: interactions, rated.
-- Parameters: $max_rows.
SELECT
    coalesce(rated.cluster_key, rated.prompt_key) AS cluster,
    coalesce(rated.agent, '(none)') AS agent,
    coalesce(rated.category, '(none)') AS category,
    rated.reward_source AS source,
    rated.reward,
    interactions.top_k,
    length(interactions.prompt[-1].content) AS question_chars
FROM rated JOIN interactions
    ON interactions.interaction_id = rated.interaction_id AND interactions.day = rated.landed_day
WHERE rated.reward IS NOT NULL AND rated.reward_source <> 'synthetic'
ORDER BY md5(rated.interaction_id)
LIMIT $max_rows
