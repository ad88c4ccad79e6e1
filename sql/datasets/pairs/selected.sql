-- What preference rows say but for their texts, of which there are the numbers, in their order.
-- Reads: answers, choice, statements.
-- Parameters: $slices, $strategies.
SELECT
    slice_of(choice.prompt, $slices) AS slice,
    about.split,
    choice.prompt,
    place,
    about.prompt_key,
    choice.asked,
    coalesce(choice.chosen, preferred_number(statement)) AS chosen,
    coalesce(choice.rejected, rejected_number(statement)) AS rejected,
    longer,
    {
        'interaction_id': about.interaction_id, 'prompt_key': about.prompt_key, 'cluster_key': about.cluster_key,
        'segment': about.segment, 'category': about.category, 'chosen_id': preferred.interaction_id,
        'rejected_id': other.interaction_id, 'chosen_reward': choice.chosen_reward,
        'rejected_reward': choice.rejected_reward, 'margin': choice.chosen_reward - choice.rejected_reward,
        'reward_source': choice.reward_source, 'strategy': $strategies[rank],
        'same_agent': preferred.agent = other.agent,
        'agents': two_names(
            CASE WHEN choice.chosen IS NULL THEN feedback.source ELSE preferred.agent END,
            CASE WHEN choice.rejected IS NULL THEN feedback.source ELSE other.agent END
        ),
        'length_ratio': ratio
    } AS metadata
FROM choice
JOIN answers AS about ON about.number = choice.asked
LEFT JOIN answers AS preferred ON preferred.number = choice.chosen
LEFT JOIN answers AS other ON other.number = choice.rejected
LEFT JOIN statements AS feedback ON feedback.rowid = statement
WHERE reason IS NULL
ORDER BY slice, about.split, choice.prompt, place
