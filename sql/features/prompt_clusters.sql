-- The prompts with their clusters, those of a set of words all in one, and what they were before.
-- Reads: assigned, compared_prompts, word_sets.
-- Parameters: none.
SELECT
    prompts.day,
    prompts.prompt_key,
    assigned.cluster_key,
    prompts.former_day,
    prompts.cluster_key AS former_cluster
FROM compared_prompts AS prompts
JOIN word_sets USING (words_key)
JOIN assigned USING (number)
