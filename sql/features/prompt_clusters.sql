-- The prompts of a month with their clusters: those assigned before, unchanged, and the new ones of $day.
-- Reads: day_clusters, fresh, placed.
-- Parameters: $day, $month.
SELECT
    month,
    day,
    prompt_key,
    cluster_key,
    words,
    bands
FROM placed
WHERE month = $month
UNION ALL
SELECT
    $month AS month,
    cast($day AS DATE) AS day,
    prompt_key,
    cluster_key,
    words,
    bands
FROM fresh JOIN day_clusters USING (prompt_key)
ORDER BY day, prompt_key
