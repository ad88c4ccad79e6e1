-- The texts of the pairs that may be taken: the first $places of each prompt. Reads `candidates`, `rated`,
-- `interactions` and `first_feedback`.
WITH answers AS (
    SELECT interactions.interaction_id, interactions.prompt, interactions.answer
    FROM interactions JOIN rated
      ON rated.interaction_id = interactions.interaction_id AND rated.landed_day = interactions.day
)
SELECT pair, asked.prompt, coalesce(feedback.preferred, better.answer) AS chosen,
    coalesce(feedback.rejected, worse.answer) AS rejected
FROM candidates
JOIN answers AS asked ON asked.interaction_id = candidates.asked_in
LEFT JOIN first_feedback AS feedback ON feedback.feedback_id = candidates.feedback_id AND feedback.interaction_id = candidates.asked_in
LEFT JOIN answers AS better ON better.interaction_id = candidates.chosen_id
LEFT JOIN answers AS worse ON worse.interaction_id = candidates.rejected_id
WHERE candidates.reason IS NULL AND place <= $places
ORDER BY pair
