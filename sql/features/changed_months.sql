-- Months in which prompts are new, have moved, or have gone to an earlier month; the earliest last.
-- Reads: clusters.
-- Parameters: none.
SELECT DISTINCT strftime(unnest([day, coalesce(former_day, day)]), '%Y-%m') AS month
FROM clusters
WHERE former_day IS DISTINCT FROM day OR former_cluster IS DISTINCT FROM cluster_key
ORDER BY month DESC
