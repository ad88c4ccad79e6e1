-- The cluster with the most prompts: how many, the split that they all lie in, and how many prompts there are in all.
-- Reads: rated.
-- Parameters: none.
WITH clusters AS (
    SELECT
        cluster_key,
        count(DISTINCT prompt_key) AS prompts,
        any_value(split) AS split
    FROM rated
    WHERE cluster_key IS NOT NULL
    GROUP BY cluster_key
)

SELECT
    prompts,
    split,
    cast(sum(prompts) OVER () AS BIGINT) AS prompts_in_all
FROM clusters
ORDER BY prompts DESC, cluster_key
LIMIT 1
