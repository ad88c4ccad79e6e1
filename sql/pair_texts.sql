-- The texts of wanted pairs that have not been compared and whose lengths allow them to be near-identical: two texts of
-- similarity s differ at most by a factor of s / (2 - s). Reads `wanted_pairs`, `compared`, `pairs`, `texts` and
-- `statements`.
SELECT pair, coalesce(feedback.preferred, better.answer) AS chosen, coalesce(feedback.rejected, worse.answer) AS rejected
FROM wanted_pairs ANTI JOIN compared USING (pair)
JOIN pairs ON pairs.rowid = pair
LEFT JOIN answers AS about ON about.number = asked AND pairs.feedback_id IS NOT NULL
LEFT JOIN statements AS feedback
    ON feedback.feedback_id = pairs.feedback_id AND feedback.interaction_id = about.interaction_id
LEFT JOIN texts AS better ON better.number = pairs.chosen
LEFT JOIN texts AS worse ON worse.number = pairs.rejected
WHERE ratio * $near_identical <= 2 - $near_identical
