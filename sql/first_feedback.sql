-- Acts of feedback, each once however often its line landed, with the answer that it judges. One that judges a session
-- (an episode) judges each of its answers: so it has a row for each, and is left as it is where none has landed. Reads
-- `feedback` and `interactions`.
WITH acts AS (
    SELECT * FROM feedback QUALIFY row_number() OVER (PARTITION BY feedback_id ORDER BY day) = 1
),
elsewhere AS (SELECT * FROM acts WHERE interaction_id NOT IN (SELECT interaction_id FROM interactions)),
sessions AS (
    SELECT DISTINCT session_id, interaction_id
    FROM interactions
    WHERE session_id IN (SELECT interaction_id FROM elsewhere)
)
SELECT * FROM acts WHERE interaction_id IN (SELECT interaction_id FROM interactions)
UNION ALL BY NAME
SELECT elsewhere.* REPLACE (coalesce(sessions.interaction_id, elsewhere.interaction_id) AS interaction_id)
FROM elsewhere LEFT JOIN sessions ON sessions.session_id = elsewhere.interaction_id
