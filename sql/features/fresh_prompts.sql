-- Prompts of the day that have not landed on it or on an earlier day, one row per key.
-- Reads: interactions, prompt_clusters.
-- Parameters: $day.
SELECT
    prompt_key,
    arg_min(prompt, interaction_id) AS prompt
FROM interactions
WHERE
    prompt_key NOT IN (
        SELECT known.prompt_key FROM prompt_clusters AS known
        WHERE known.day <= cast($day AS DATE)
    )
GROUP BY prompt_key
ORDER BY prompt_key
