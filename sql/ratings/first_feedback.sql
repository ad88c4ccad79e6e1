-- The feedback that counts: one event per rater, answer and dimension, the latest.
-- Reads: feedback_history.
-- Parameters: none.
SELECT * EXCLUDE (has_answer, is_changed, is_withdrawn, is_counted)
FROM feedback_history
WHERE is_counted
