-- Answers of the window whose arm is known, with their conversation, in the order of time: what was drawn, and the
-- reward that people or a verifier gave.
-- Reads: interactions, rated.
-- Parameters: none.
SELECT
    coalesce(interactions.session_id, rated.interaction_id) AS conversation,
    rated.landed_day AS day,
    coalesce(rated.category, '') AS category,
    rated.assigned_arm,
    coalesce(rated.drawn, FALSE) AS drawn,
    rated.arms,
    rated.policy_version,
    CASE WHEN rated.reward_source IN ('human', 'verifier') THEN rated.reward END AS reward,
    coalesce(rated.error, FALSE) AS failed
FROM rated JOIN interactions
    ON interactions.interaction_id = rated.interaction_id AND interactions.day = rated.landed_day
WHERE rated.assigned_arm IS NOT NULL
ORDER BY rated.answered_at, rated.interaction_id
