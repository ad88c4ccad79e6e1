-- What training rows say but for their texts, in their order.
-- Reads: answers, candidates, corrections.
-- Parameters: $shards.
SELECT
    shard_of(offers.prompt, $shards) AS shard,
    number,
    answers.split,
    offers.prompt,
    answers.prompt_key,
    corrections.preferred,
    {
        'interaction_id': answers.interaction_id, 'prompt_key': answers.prompt_key, 'cluster_key': answers.cluster_key,
        'segment': answers.segment, 'category': answers.category,
        'task': answers.task, 'log_format': answers.log_format, 'source': offers.origin,
        'agent': CASE offers.origin WHEN 'log' THEN answers.agent ELSE offers.origin END, 'reward': offers.reward,
        'reward_source':
        CASE offers.origin WHEN 'log' THEN answers.reward_source ELSE corrections.source END,
        'latency_ms': CASE offers.origin WHEN 'log' THEN answers.latency_ms END
    } AS metadata
FROM candidates AS offers JOIN answers USING (number)
LEFT JOIN
    corrections
    ON corrections.feedback_id = offers.feedback_id AND corrections.interaction_id = answers.interaction_id
WHERE reason IS NULL
ORDER BY shard, answers.split, offers.prompt
