-- Training rows: the taken candidates with their texts. Reads `candidates`, `rated`, `interactions`, `first_feedback`.
SELECT rated.split, rated.prompt_key,
    list_append(interactions.prompt,
        {'role': 'assistant', 'content': coalesce(feedback.preferred, interactions.answer)}) AS messages,
    {'interaction_id': interaction_id, 'prompt_key': rated.prompt_key, 'cluster_key': rated.cluster_key,
     'segment': rated.segment, 'category': rated.category, 'source': origin, 'agent': CASE origin WHEN 'log' THEN rated.agent ELSE origin END,
     'reward': candidates.reward,
     'reward_source': CASE origin WHEN 'log' THEN rated.reward_source WHEN 'teacher' THEN 'synthetic' ELSE 'human' END,
     'latency_ms': CASE origin WHEN 'log' THEN rated.latency_ms END} AS metadata
FROM candidates
JOIN rated USING (interaction_id)
JOIN interactions ON interactions.interaction_id = rated.interaction_id AND interactions.day = rated.landed_day
LEFT JOIN first_feedback AS feedback ON feedback.feedback_id = candidates.feedback_id
    AND feedback.interaction_id = candidates.interaction_id
WHERE candidates.reason IS NULL
ORDER BY rated.prompt_key
