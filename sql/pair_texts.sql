-- The texts of the pairs that may be taken: the first $places of each prompt. Reads `candidates`, `rated`,
-- `interactions` and `first_feedback`.
WITH wanted AS (SELECT * FROM candidates WHERE reason IS NULL AND place <= $places),
named AS (
    SELECT DISTINCT interaction_id FROM (SELECT unnest([asked_in, chosen_id, rejected_id]) AS interaction_id FROM wanted)
),
answers AS (
    SELECT interactions.interaction_id, interactions.prompt, interactions.answer
    FROM interactions JOIN rated
      ON rated.interaction_id = interactions.interaction_id AND rated.landed_day = interactions.day
    SEMI JOIN named ON named.interaction_id = interactions.interaction_id
)
SELECT pair, asked.prompt, coalesce(feedback.preferred, better.answer) AS chosen,
    coalesce(feedback.rejected, worse.answer) AS rejected
FROM wanted
JOIN answers AS asked ON asked.interaction_id = wanted.asked_in
LEFT JOIN first_feedback AS feedback ON feedback.feedback_id = wanted.feedback_id AND feedback.interaction_id = wanted.asked_in
LEFT JOIN answers AS better ON better.interaction_id = wanted.chosen_id
LEFT JOIN answers AS worse ON worse.interaction_id = wanted.rejected_id
ORDER BY pair
