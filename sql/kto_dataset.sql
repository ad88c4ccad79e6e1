-- Single good and bad answers with their texts. Reads `candidates`, `answers`, `interactions`, `statements`.
WITH taken AS (
    SELECT candidates.feedback_id, candidates.label, candidates.reward AS taken_reward, answers.*
    FROM candidates JOIN answers USING (number)
    WHERE reason IS NULL
)
SELECT taken.split, taken.prompt_key, interactions.prompt,
    [{'role': 'assistant', 'content': coalesce(feedback.preferred, interactions.answer)}] AS completion, taken.label,
    {'interaction_id': taken.interaction_id, 'prompt_key': taken.prompt_key, 'cluster_key': taken.cluster_key,
     'segment': taken.segment, 'category': taken.category,
     'agent': CASE WHEN taken.feedback_id IS NULL THEN taken.agent ELSE feedback.source END, 'reward': taken.taken_reward,
     'reward_source': CASE WHEN taken.feedback_id IS NULL THEN taken.reward_source ELSE feedback.source END} AS metadata
FROM taken
JOIN interactions ON interactions.interaction_id = taken.interaction_id AND interactions.day = taken.landed_day
LEFT JOIN statements AS feedback ON feedback.feedback_id = taken.feedback_id
    AND feedback.interaction_id = taken.interaction_id
ORDER BY taken.prompt, taken.number, taken.feedback_id
