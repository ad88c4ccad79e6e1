-- Preference rows: the chosen pairs with their texts. Reads `choice`, `answers`, `texts` and `statements`.
SELECT about.split, about.prompt_key, question.asked AS prompt,
    [{'role': 'assistant', 'content': coalesce(feedback.preferred, better.answer)}] AS chosen,
    [{'role': 'assistant', 'content': coalesce(feedback.rejected, worse.answer)}] AS rejected,
    {'interaction_id': about.interaction_id, 'prompt_key': about.prompt_key, 'cluster_key': about.cluster_key,
     'segment': about.segment, 'category': about.category, 'chosen_id': preferred.interaction_id,
     'rejected_id': other.interaction_id, 'chosen_reward': choice.chosen_reward,
     'rejected_reward': choice.rejected_reward, 'margin': choice.chosen_reward - choice.rejected_reward,
     'reward_source': choice.reward_source, 'strategy': $strategies[rank],
     'same_agent': preferred.agent = other.agent,
     'agents': two_names(
        CASE WHEN feedback.preferred IS NULL THEN preferred.agent ELSE feedback.source END,
        CASE WHEN feedback.rejected IS NULL THEN other.agent ELSE feedback.source END),
     'length_ratio': ratio} AS metadata
FROM choice
JOIN answers AS about ON about.number = choice.asked
JOIN texts AS question ON question.number = choice.asked
LEFT JOIN answers AS preferred ON preferred.number = choice.chosen
LEFT JOIN answers AS other ON other.number = choice.rejected
LEFT JOIN texts AS better ON better.number = choice.chosen
LEFT JOIN texts AS worse ON worse.number = choice.rejected
LEFT JOIN statements AS feedback
    ON feedback.feedback_id = choice.feedback_id AND feedback.interaction_id = about.interaction_id
WHERE reason IS NULL
ORDER BY choice.prompt, place
