-- Clusters of near-duplicate prompts by how many prompts they hold, and how many of them are held out of training.
-- Reads: rated.
-- Parameters: none.
WITH clusters AS (
    SELECT
        count(DISTINCT prompt_key) AS prompts,
        any_value(split) <> 'train' AS held_out
    FROM rated
    WHERE cluster_key IS NOT NULL
    GROUP BY cluster_key
),

sized AS (
    SELECT
        held_out,
        CASE
            WHEN prompts >= 10 THEN '10 and more'
            WHEN prompts >= 5 THEN '5 to 9'
            WHEN prompts >= 3 THEN '3 to 4'
            ELSE cast(prompts AS VARCHAR)
        END AS prompts,
        prompts AS exact_prompts
    FROM clusters
)

SELECT
    prompts,
    count(*) AS clusters,
    count(*) FILTER (held_out) AS held_out,
    1 - train_share() AS nominal_share
FROM sized
GROUP BY prompts
ORDER BY min(exact_prompts)
