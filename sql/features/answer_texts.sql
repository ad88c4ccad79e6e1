-- What is looked at to describe an answer: its texts, the cluster of its prompt, and whether something was replaced.
-- Reads `interactions`, `day_clusters` and `redactions`.
SELECT interactions.day, interaction_id, cluster_key, redactions.id IS NOT NULL AS personal_data,
    interactions.answer, interactions.prompt[-1].content AS question,
    [message.content for message in interactions.prompt if message.role <> 'system'] || [coalesce(interactions.answer, '')]
        AS texts
FROM interactions JOIN day_clusters USING (prompt_key)
LEFT JOIN redactions ON redactions.record = 'interaction' AND redactions.id = interaction_id
ORDER BY interaction_id
