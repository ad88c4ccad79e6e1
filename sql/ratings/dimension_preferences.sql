-- Which of two texts someone found better as an answer to the prompt of an answer, by dimension and source.
-- Reads: first_feedback.
-- Parameters: none.
SELECT
    interaction_id,
    coalesce(dimension, 'overall') AS dimension,
    source,
    preferred,
    rejected
FROM first_feedback
WHERE kind = 'preference' AND preferred IS NOT NULL AND rejected IS NOT NULL
ORDER BY interaction_id, dimension, source, feedback_id
