-- Preference rows: the chosen pairs with their texts. Reads `choice`, `rated`, `interactions` and `first_feedback`.
WITH chosen AS (SELECT * FROM choice WHERE reason IS NULL),
named AS (SELECT DISTINCT unnest([asked_in, chosen_id, rejected_id]) AS interaction_id FROM chosen),
answers AS (
    SELECT interactions.interaction_id, interactions.prompt, interactions.answer, rated.split,
        rated.cluster_key, rated.segment, rated.category, rated.agent
    FROM interactions JOIN rated
      ON rated.interaction_id = interactions.interaction_id AND rated.landed_day = interactions.day
    SEMI JOIN named ON named.interaction_id = interactions.interaction_id
)
SELECT asked.split, chosen.prompt_key, asked.prompt,
    [{'role': 'assistant', 'content': coalesce(feedback.preferred, better.answer)}] AS chosen,
    [{'role': 'assistant', 'content': coalesce(feedback.rejected, worse.answer)}] AS rejected,
    {'interaction_id': asked_in, 'prompt_key': chosen.prompt_key, 'cluster_key': asked.cluster_key,
     'segment': asked.segment, 'category': asked.category, 'chosen_id': chosen_id, 'rejected_id': rejected_id, 'chosen_reward': chosen_reward,
     'rejected_reward': rejected_reward, 'margin': chosen_reward - rejected_reward,
     'reward_source': reward_source, 'strategy': $strategies[rank], 'same_agent': better.agent = worse.agent,
     'length_ratio': ratio} AS metadata
FROM chosen
JOIN answers AS asked ON asked.interaction_id = asked_in
LEFT JOIN first_feedback AS feedback
    ON feedback.feedback_id = chosen.feedback_id AND feedback.interaction_id = asked_in
LEFT JOIN answers AS better ON better.interaction_id = chosen_id
LEFT JOIN answers AS worse ON worse.interaction_id = rejected_id
ORDER BY chosen.prompt_key, pair
