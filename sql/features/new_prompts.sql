-- Counts: prompts that had not landed before, clusters that they started, and prompts whose cluster changed.
-- Reads: clusters.
-- Parameters: $day.
SELECT
    count(*) FILTER (former_day IS NULL),
    count(*) FILTER (former_day IS NULL AND cluster_key = prompt_key),
    count(*) FILTER (former_day IS NOT NULL AND former_cluster IS DISTINCT FROM cluster_key)
FROM clusters
WHERE day >= cast($day AS DATE)
