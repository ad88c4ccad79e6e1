-- Feedback with personal data replaced, but for the id that it judges: that one is needed to find the answer.
-- Reads: landed_feedback, redactions.
-- Parameters: none.
SELECT
    landed_feedback.* REPLACE (
        CASE WHEN clean.id IS NULL THEN landed_feedback.preferred ELSE clean.preferred END AS preferred,
        CASE WHEN clean.id IS NULL THEN landed_feedback.rejected ELSE clean.rejected END AS rejected,
        CASE WHEN clean.id IS NULL THEN landed_feedback.comment ELSE clean.comment END AS comment
    )
FROM landed_feedback LEFT JOIN redactions AS clean
    ON clean.record = 'feedback' AND clean.day = landed_feedback.day AND clean.id = landed_feedback.feedback_id
