-- A hash of the clusters of the day's prompts, and how many of its answers have none.
-- Reads: interactions, prompt_clusters.
-- Parameters: none.
WITH prompts AS (
    SELECT
        prompt_key,
        first(cluster_key) AS cluster_key,
        count(*) AS answers
    FROM interactions JOIN prompt_clusters USING (prompt_key)
    GROUP BY prompt_key
)

SELECT
    sha256(coalesce(string_agg(concat_ws(' ', prompt_key, cluster_key), ',' ORDER BY prompt_key), '')),
    coalesce(sum(answers) FILTER (cluster_key IS NULL), 0)
FROM prompts
