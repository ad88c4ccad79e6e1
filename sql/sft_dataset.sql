-- Training rows: the taken candidates with their texts. Reads `candidates`, `answers`, `interactions`, `corrections`.
WITH taken AS (
    SELECT candidates.feedback_id, candidates.origin, candidates.reward AS taken_reward, answers.*
    FROM candidates JOIN answers USING (number)
    WHERE reason IS NULL
)
SELECT taken.split, taken.prompt_key,
    list_append(interactions.prompt,
        {'role': 'assistant', 'content': coalesce(feedback.preferred, interactions.answer)}) AS messages,
    {'interaction_id': taken.interaction_id, 'prompt_key': taken.prompt_key, 'cluster_key': taken.cluster_key,
     'segment': taken.segment, 'category': taken.category, 'source': taken.origin,
     'agent': CASE taken.origin WHEN 'log' THEN taken.agent ELSE taken.origin END, 'reward': taken.taken_reward,
     'reward_source': CASE taken.origin WHEN 'log' THEN taken.reward_source WHEN 'teacher' THEN 'synthetic' ELSE 'human' END,
     'latency_ms': CASE taken.origin WHEN 'log' THEN taken.latency_ms END} AS metadata
FROM taken
JOIN interactions ON interactions.interaction_id = taken.interaction_id AND interactions.day = taken.landed_day
LEFT JOIN corrections AS feedback ON feedback.feedback_id = taken.feedback_id
    AND feedback.interaction_id = taken.interaction_id
ORDER BY taken.prompt
