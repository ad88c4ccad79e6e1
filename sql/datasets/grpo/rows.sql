-- Groups of answers to the prompts of a shard with their rewards. Complexity is the words of the question: simple up to
-- 10, moderate up to 40, complex above.
-- Reads: selected, texts.
-- Parameters: $shard.
WITH groups AS (
    SELECT
        selected.prompt AS key,
        reward_source,
        first(prompt_key) AS prompt_key,
        first(cluster_key) AS cluster_key,
        first(split) AS split,
        min(segment) AS segment,
        min(category) AS category,
        min(task) AS task,
        min(log_format) AS log_format,
        first(sd) AS sd,
        count(*) AS size,
        arg_min(texts.prompt, number) AS prompt,
        list_sort(list(DISTINCT agent)) AS agents,
        list_sort(list({'position': position, 'text': answer, 'reward': reward, 'interaction_id': interaction_id}))
            AS ranked
    FROM selected JOIN texts USING (number)
    WHERE shard = $shard
    GROUP BY key, reward_source
)

SELECT
    split,
    prompt_key,
    prompt,
    list_transform(
        ranked, LAMBDA answer:
        {'text': answer.text, 'reward': answer.reward, 'interaction_id': answer.interaction_id}
    ) AS responses,
    {
        'prompt_key': prompt_key, 'cluster_key': cluster_key, 'segment': segment, 'category': category,
        'task': task, 'log_format': log_format,
        'sd': round(sd, 9), 'scorer': reward_source, 'size': size, 'query_complexity': CASE
            WHEN len(string_split_regex(stripped(prompt[-1].content), '\s+')) <= 10 THEN 'simple'
            WHEN len(string_split_regex(stripped(prompt[-1].content), '\s+')) <= 40 THEN 'moderate'
            ELSE 'complex'
        END,
        'agents': agents
    } AS metadata
FROM groups
ORDER BY split, key, reward_source
