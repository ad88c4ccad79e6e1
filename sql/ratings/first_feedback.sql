-- Acts of feedback, each once however often its line landed, with the answer that it judges. One that judges a session
-- (an episode) judges each of its answers: so it has a row for each, and is left as it is where none has landed.
-- Reads: feedback, landed_interactions.
-- Parameters: none.
WITH acts AS (
    SELECT * FROM feedback QUALIFY row_number() OVER (PARTITION BY feedback_id ORDER BY day) = 1
),

elsewhere AS (
    SELECT interaction_id FROM acts
    WHERE interaction_id NOT IN (
        SELECT interaction_id FROM landed_interactions
        WHERE interaction_id IN (SELECT acts.interaction_id FROM acts)
    )
),

sessions AS (
    SELECT DISTINCT
        session_id,
        interaction_id
    FROM landed_interactions
    WHERE session_id IN (SELECT elsewhere.interaction_id FROM elsewhere)
)

SELECT acts.* REPLACE (coalesce(sessions.interaction_id, acts.interaction_id) AS interaction_id)
FROM acts LEFT JOIN sessions ON sessions.session_id = acts.interaction_id
