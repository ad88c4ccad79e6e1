-- The cluster of every prompt of the day, known or new; a new prompt that is like no other starts a cluster.
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
