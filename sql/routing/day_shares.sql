-- The mean share of each arm over a segment's categories, by their answers, as of each day.
-- Reads: bandit_state.
-- Parameters: none.
WITH sizes AS (
    SELECT
        *,
        -- A category before its first answer counts as little as one answer does.
        greatest(1, sum(answers) OVER (PARTITION BY day, segment, category)) AS size
    FROM bandit_state
)

SELECT
    coalesce(segment, 'product') AS segment,
    day,
    arm,
    cast(sum(cast(share * size AS DECIMAL(38, 12))) AS DOUBLE) / sum(size) AS share
FROM sizes
GROUP BY ALL
ORDER BY ALL
