-- Interactions with personal data replaced, and with the keys of the clean texts; an id that holds some is hashed.
-- Reads: landed_interactions, redactions.
-- Parameters: none.
SELECT
    landed_interactions.* REPLACE (
        CASE WHEN clean.id IS NULL THEN landed_interactions.prompt ELSE clean.prompt END AS prompt,
        CASE WHEN clean.id IS NULL THEN landed_interactions.answer ELSE clean.answer END AS answer,
        CASE WHEN clean.id IS NULL THEN landed_interactions.context ELSE clean.context END AS context,
        coalesce(clean.interaction_id, landed_interactions.interaction_id) AS interaction_id,
        coalesce(clean.agent, landed_interactions.agent) AS agent,
        coalesce(clean.category, landed_interactions.category) AS category,
        coalesce(clean.segment, landed_interactions.segment) AS segment,
        coalesce(clean.task, landed_interactions.task) AS task,
        coalesce(clean.prompt_key, landed_interactions.prompt_key) AS prompt_key,
        coalesce(clean.answer_key, landed_interactions.answer_key) AS answer_key
    )
FROM landed_interactions LEFT JOIN redactions AS clean
    ON
        clean.record = 'interaction' AND clean.day = landed_interactions.day
        AND clean.id = landed_interactions.interaction_id
