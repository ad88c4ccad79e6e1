-- What was stated about answers: corrections, preferences and ratings, without what else they say; who stated it.
-- Reads: first_feedback.
-- Parameters: $synthetic.
SELECT
    feedback_id,
    interaction_id,
    kind,
    source,
    preferred,
    rejected,
    coalesce(rater, feedback_id) AS voter,
    given_at
FROM first_feedback
WHERE kind IN ('correction', 'preference', 'rating') AND ($synthetic OR source <> 'synthetic')
