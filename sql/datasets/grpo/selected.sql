-- The answers of the groups, the best of each first, with all that a row says but their texts.
-- Reads: answers, candidates.
-- Parameters: $shards.
WITH members AS (
    SELECT
        number,
        sd,
        reward,
        reward_source,
        row_number() OVER (PARTITION BY prompt, reward_source ORDER BY reward DESC, number) AS position
    FROM candidates
    WHERE reason IS NULL
)

SELECT
    shard_of(prompt, $shards) AS shard,
    number,
    position,
    sd,
    about.prompt,
    split,
    prompt_key,
    cluster_key,
    segment,
    category,
    task,
    log_format,
    agent,
    interaction_id,
    reward,
    reward_source
FROM members JOIN (SELECT * EXCLUDE (reward, reward_source) FROM answers) AS about USING (number)
ORDER BY shard, prompt, reward_source, position
