-- The first $per_prompt pairs of each prompt, those aside whose texts proved near-identical.
-- Reads: near_identical, ranked_pairs.
-- Parameters: $per_prompt, $shards.
SELECT
    shard_of(prompt, $shards) AS shard,
    pair,
    row_number() OVER (PARTITION BY prompt ORDER BY position) AS position
FROM ranked_pairs ANTI JOIN near_identical USING (pair)
QUALIFY row_number() OVER (PARTITION BY prompt ORDER BY position) <= $per_prompt
