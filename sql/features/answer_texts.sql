-- The inputs of an answer's features: its texts, and whether personal data was replaced.
-- Reads: interactions, redactions.
-- Parameters: none.
SELECT
    interactions.day,
    interactions.interaction_id,
    redactions.id IS NOT NULL AS personal_data,
    interactions.answer,
    coalesce(interactions.finish_reason = 'refusal', FALSE) AS refused,
    interactions.prompt[-1].content AS question,
    [message.content FOR message IN interactions.prompt IF message.role <> 'system']
    || [coalesce(interactions.answer, '')]
        AS texts
FROM interactions LEFT JOIN redactions
    ON
        redactions.record = 'interaction'
        AND coalesce(redactions.interaction_id, redactions.id) = interactions.interaction_id
ORDER BY interactions.interaction_id
