-- The numbers of the selected candidates' texts, with their shards of so many as $shards.
-- Reads: candidates.
-- Parameters: $shards.
SELECT DISTINCT
    shard_of(prompt, $shards) AS shard,
    number,
    TRUE AS with_prompt
FROM candidates
WHERE reason IS NULL
