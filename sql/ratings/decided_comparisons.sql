-- Comparisons of two answers that people decided, and that say which was shown first: whether that one won. The answer
-- is known by its text; a comparison that quotes another text, or an answer that is not in the window, is left out.
-- Reads: first_feedback, rated.
-- Parameters: none.
SELECT
    first_feedback.interaction_id,
    other_interaction_id,
    answer_key(preferred) = shown.answer_key AS first_won
FROM first_feedback JOIN rated AS shown ON shown.interaction_id = shown_first
WHERE
    kind = 'preference' AND source = 'human'
    AND shown_first IN (first_feedback.interaction_id, other_interaction_id)
    AND (answer_key(preferred) = shown.answer_key) <> (answer_key(rejected) = shown.answer_key)
