-- What was stated about answers: corrections, preferences and ratings, without what else they say.
-- Reads: first_feedback.
-- Parameters: none.
SELECT
    feedback_id,
    interaction_id,
    kind,
    source,
    preferred,
    rejected
FROM first_feedback
WHERE kind IN ('correction', 'preference', 'rating')
