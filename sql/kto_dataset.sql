-- Single good and bad answers with their texts. Reads `candidates`, `rated`, `interactions`, `first_feedback`.
SELECT rated.split, rated.prompt_key, interactions.prompt,
    [{'role': 'assistant', 'content': coalesce(feedback.preferred, interactions.answer)}] AS completion, label,
    {'interaction_id': interaction_id, 'prompt_key': rated.prompt_key, 'cluster_key': rated.cluster_key,
     'segment': rated.segment, 'category': rated.category, 'agent': CASE WHEN candidates.feedback_id IS NULL THEN rated.agent ELSE feedback.source END,
     'reward': candidates.reward,
     'reward_source': CASE WHEN candidates.feedback_id IS NULL THEN rated.reward_source ELSE feedback.source END} AS metadata
FROM candidates
JOIN rated USING (interaction_id)
JOIN interactions ON interactions.interaction_id = rated.interaction_id AND interactions.day = rated.landed_day
LEFT JOIN first_feedback AS feedback ON feedback.feedback_id = candidates.feedback_id
    AND feedback.interaction_id = candidates.interaction_id
WHERE candidates.reason IS NULL
ORDER BY rated.prompt_key, interaction_id, candidates.feedback_id
