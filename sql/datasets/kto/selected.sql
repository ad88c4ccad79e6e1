-- What the single answers say but for their texts, in their order.
-- Reads: answers, candidates, statements.
-- Parameters: $shards.
SELECT
    shard_of(offers.prompt, $shards) AS shard,
    number,
    answers.split,
    offers.prompt,
    answers.prompt_key,
    offers.feedback_id,
    stated.preferred,
    offers.label,
    {
        'interaction_id': answers.interaction_id, 'prompt_key': answers.prompt_key, 'cluster_key': answers.cluster_key,
        'segment': answers.segment, 'category': answers.category,
        'task': answers.task, 'log_format': answers.log_format,
        'agent': CASE WHEN offers.feedback_id IS NULL THEN answers.agent ELSE stated.source END,
        'reward': offers.reward,
        'reward_source': CASE WHEN offers.feedback_id IS NULL THEN answers.reward_source ELSE stated.source END
    } AS metadata
FROM candidates AS offers JOIN answers USING (number)
LEFT JOIN statements AS stated
    ON stated.feedback_id = offers.feedback_id AND stated.interaction_id = answers.interaction_id
WHERE reason IS NULL
ORDER BY shard, answers.split, offers.prompt, number, offers.feedback_id
