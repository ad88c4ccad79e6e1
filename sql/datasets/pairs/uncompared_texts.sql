-- The texts of the pairs of a shard that are to be compared.
-- Reads: texts, uncompared_pairs.
-- Parameters: $shard.
SELECT
    pair,
    better.answer AS chosen,
    worse.answer AS rejected
FROM uncompared_pairs
JOIN texts AS better ON better.number = chosen
JOIN texts AS worse ON worse.number = rejected
WHERE shard = $shard
