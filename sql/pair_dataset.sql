-- Preference rows: the chosen pairs with their texts. Reads `choice`, `texts` and `rated`.
SELECT asked.split, asked.prompt_key, prompt,
    [{'role': 'assistant', 'content': chosen}] AS chosen, [{'role': 'assistant', 'content': rejected}] AS rejected,
    {'interaction_id': asked_in, 'prompt_key': asked.prompt_key, 'segment': asked.segment, 'category': asked.category,
     'chosen_id': chosen_id, 'rejected_id': rejected_id, 'chosen_reward': chosen_reward,
     'rejected_reward': rejected_reward, 'margin': chosen_reward - rejected_reward,
     'reward_source': choice.reward_source, 'strategy': $strategies[rank], 'same_agent': better.agent = worse.agent,
     'length_ratio': ratio} AS metadata
FROM choice
JOIN texts USING (pair)
JOIN rated AS asked ON asked.interaction_id = asked_in
LEFT JOIN rated AS better ON better.interaction_id = chosen_id
LEFT JOIN rated AS worse ON worse.interaction_id = rejected_id
WHERE choice.reason IS NULL
ORDER BY asked.prompt_key, pair
