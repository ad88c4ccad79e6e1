-- The texts of answers that the heads look at: the last question, the answer, its context, and whether it refuses.
-- Reads: interactions, rated, wanted.
-- Parameters: none.
SELECT
    rated.interaction_id,
    interactions.prompt[-1].content AS question,
    interactions.answer,
    interactions.context,
    coalesce(rated.refusal, FALSE) AS refusal
FROM rated JOIN interactions
    ON interactions.interaction_id = rated.interaction_id AND interactions.day = rated.landed_day
WHERE rated.interaction_id IN (SELECT id FROM wanted) AND interactions.answer IS NOT NULL
ORDER BY rated.interaction_id
