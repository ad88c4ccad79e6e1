-- The prompts placed in a month: those placed before, as they were, and the fresh ones of $day.
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
