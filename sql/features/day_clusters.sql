-- The cluster of every prompt of the day, placed before or fresh; a fresh prompt that is like no other founds its own.
-- Reads: assigned, fresh, known.
-- Parameters: none.
SELECT
    prompt_key,
    cluster_key
FROM known
UNION ALL
SELECT
    fresh.prompt_key,
    CASE WHEN assigned.prompt_key IS NULL THEN fresh.prompt_key ELSE assigned.cluster_key END AS cluster_key
FROM fresh LEFT JOIN assigned USING (prompt_key)
