-- What became of each answer: how many rows it gave, and the one reason where it gave none.
-- Reads: answers, candidates.
-- Parameters: none.
WITH corrected AS (
    SELECT DISTINCT number FROM candidates
    WHERE feedback_id IS NOT NULL
),

outcomes AS (
    SELECT
        number,
        cast(reason IS NULL AS BIGINT) AS rows,
        reason
    FROM candidates ANTI JOIN corrected USING (number)
    UNION ALL
    SELECT
        number,
        count(*) FILTER (reason IS NULL) AS rows,
        arg_min(reason, coalesce(feedback_id, '')) AS reason
    FROM candidates SEMI JOIN corrected USING (number)
    GROUP BY number
)

SELECT
    interaction_id,
    rows,
    CASE WHEN rows = 0 THEN reason END AS reason
FROM outcomes JOIN answers USING (number)
ORDER BY number
