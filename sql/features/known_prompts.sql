-- Prompts of the day that were assigned before, with their clusters.
-- Reads: interactions, placed.
-- Parameters: none.
SELECT
    prompt_key,
    cluster_key
FROM placed
WHERE prompt_key IN (SELECT interactions.prompt_key FROM interactions)
