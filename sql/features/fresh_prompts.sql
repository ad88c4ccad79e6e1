-- Prompts of the day that have no cluster yet, one row per key.
-- Reads: interactions, known.
-- Parameters: none.
SELECT
    prompt_key,
    arg_min(prompt, interaction_id) AS prompt
FROM interactions
WHERE prompt_key NOT IN (SELECT known.prompt_key FROM known)
GROUP BY prompt_key
ORDER BY prompt_key
