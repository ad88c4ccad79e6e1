-- Every answer of the window whose arm was drawn, with how likely that was. Where the caller named the arm, nothing was
-- drawn, and such an answer is no evidence. The propensity is as logged: null stays null. Answers of one conversation
-- share a session, whose number is a hash of its id; an answer of none is one of its own.
-- Reads: interactions, rated.
-- Parameters: none.
WITH asked AS (
    SELECT
        rated.interaction_id,
        category_of(first_question(interactions.prompt)) AS asked_category
    FROM rated JOIN interactions
        ON rated.interaction_id = interactions.interaction_id AND rated.landed_day = interactions.day
    WHERE rated.category IS NULL
)

SELECT
    coalesce(rated.segment, 'product') AS segment,
    md5_number_lower(coalesce(interactions.session_id, rated.interaction_id)) AS session,
    rated.interaction_id,
    cast(rated.answered_at AS DATE) AS answered_on,
    coalesce(rated.category, asked_category) AS category,
    arm_of(rated.assigned_arm, rated.agent, rated.adapter) AS arm,
    rated.propensity,
    rated.arms,
    rated.reward
FROM rated
LEFT JOIN interactions
    ON rated.interaction_id = interactions.interaction_id AND rated.landed_day = interactions.day
LEFT JOIN asked ON rated.interaction_id = asked.interaction_id
WHERE rated.drawn IS DISTINCT FROM FALSE AND arm_of(rated.assigned_arm, rated.agent, rated.adapter) IS NOT NULL
