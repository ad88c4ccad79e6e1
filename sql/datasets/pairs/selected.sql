-- What preference rows say but for their texts, of which there are the numbers, in their order.
-- Reads: answers, candidates, statements.
-- Parameters: $shards, $strategies.
SELECT
    shard_of(candidates.prompt, $shards) AS shard,
    about.split,
    candidates.prompt,
    position,
    about.prompt_key,
    candidates.prompt_number,
    coalesce(candidates.chosen, preferred_number(statement)) AS chosen,
    coalesce(candidates.rejected, rejected_number(statement)) AS rejected,
    longer,
    {
        'interaction_id': about.interaction_id, 'prompt_key': about.prompt_key, 'cluster_key': about.cluster_key,
        'segment': about.segment, 'category': about.category, 'task': about.task, 'log_format': about.log_format,
        'chosen_id': preferred.interaction_id,
        'rejected_id': other.interaction_id, 'chosen_reward': candidates.chosen_reward,
        'rejected_reward': candidates.rejected_reward, 'margin': candidates.chosen_reward - candidates.rejected_reward,
        'reward_source': candidates.reward_source, 'strategy': $strategies[rank],
        'same_agent': preferred.agent = other.agent,
        'agents': two_names(
            CASE WHEN candidates.chosen IS NULL THEN feedback.source ELSE preferred.agent END,
            CASE WHEN candidates.rejected IS NULL THEN feedback.source ELSE other.agent END
        ),
        'length_ratio': ratio
    } AS metadata
FROM candidates
JOIN answers AS about ON about.number = candidates.prompt_number
LEFT JOIN answers AS preferred ON preferred.number = candidates.chosen
LEFT JOIN answers AS other ON other.number = candidates.rejected
LEFT JOIN statements AS feedback ON feedback.rowid = statement
WHERE reason IS NULL
ORDER BY shard, about.split, candidates.prompt, position
