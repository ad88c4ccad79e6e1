-- What was stated about answers by one of $sources: corrections, preferences and ratings, without what else they say;
-- who stated it. Of held-out answers nothing synthetic is read.
-- Reads: answers, first_feedback.
-- Parameters: $sources.
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
WHERE
    kind IN ('correction', 'preference', 'rating') AND list_contains($sources, source)
    AND (source <> 'synthetic' OR interaction_id IN (
        SELECT answers.interaction_id FROM answers
        WHERE answers.split = 'train'
    ))
