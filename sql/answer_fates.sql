-- What became of each answer: how many rows it gave, and the one reason where it gave none. Reads `answers` and
-- `candidates`, in which an answer stands once for itself and once more for each correction of it.
WITH fates AS (
    SELECT number, count(*) FILTER (reason IS NULL) AS rows, arg_min(reason, coalesce(feedback_id, '')) AS reason
    FROM candidates
    GROUP BY number
)
SELECT interaction_id, rows, CASE WHEN rows = 0 THEN reason END AS reason
FROM fates JOIN answers USING (number)
ORDER BY number
