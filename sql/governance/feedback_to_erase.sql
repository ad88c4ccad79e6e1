-- Feedback events on erased interactions, comparisons with them included, and by erased users, with what they say.
-- `stated`: their texts may be training rows under the answer's id.
-- Reads: erased_interactions, erased_users, feedback.
-- Parameters: none.
SELECT
    day,
    feedback_id,
    interaction_id,
    source_file,
    preferred IS NOT NULL OR rejected IS NOT NULL AS stated,
    list_filter([preferred, rejected, comment], LAMBDA text: text IS NOT NULL) AS texts
FROM feedback
WHERE
    interaction_id IN (SELECT id FROM erased_interactions)
    OR other_interaction_id IN (SELECT id FROM erased_interactions)
    OR rater IN (SELECT id FROM erased_users)
