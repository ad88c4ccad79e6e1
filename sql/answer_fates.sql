-- What became of each answer: how many rows it gave, and the one reason where it gave none. Reads `candidates`, in which
-- an answer stands once for itself and once more for each correction of it.
SELECT interaction_id, count(*) FILTER (reason IS NULL) AS rows,
    CASE WHEN count(*) FILTER (reason IS NULL) = 0 THEN first(reason ORDER BY feedback_id NULLS FIRST) END AS reason
FROM candidates
GROUP BY interaction_id
ORDER BY interaction_id
