-- The texts of those pairs that may be taken (the first $places of each prompt) and whose lengths allow them to be
-- near-identical: two texts of similarity s differ at most by a factor of s / (2 - s). Reads `candidates`, `rated`,
-- `interactions` and `first_feedback`.
WITH doubtful AS (
    SELECT * FROM candidates
    WHERE reason IS NULL AND place <= $places AND ratio * $near_identical <= 2 - $near_identical
),
named AS (SELECT DISTINCT unnest([chosen_id, rejected_id]) AS interaction_id FROM doubtful),
answers AS (
    SELECT interactions.interaction_id, stripped(interactions.answer) AS answer
    FROM interactions JOIN rated
      ON rated.interaction_id = interactions.interaction_id AND rated.landed_day = interactions.day
    SEMI JOIN named ON named.interaction_id = interactions.interaction_id
)
SELECT pair, coalesce(stripped(feedback.preferred), better.answer) AS chosen,
    coalesce(stripped(feedback.rejected), worse.answer) AS rejected
FROM doubtful
LEFT JOIN first_feedback AS feedback
    ON feedback.feedback_id = doubtful.feedback_id AND feedback.interaction_id = doubtful.asked_in
LEFT JOIN answers AS better ON better.interaction_id = doubtful.chosen_id
LEFT JOIN answers AS worse ON worse.interaction_id = doubtful.rejected_id
