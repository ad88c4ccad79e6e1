-- The wanted pairs that have not been compared and whose lengths allow them to be near-identical, with the numbers of
-- their texts: two texts of similarity s differ at most by a factor of s / (2 - s).
-- Reads: best_pairs, compared, pairs.
-- Parameters: $near_identical.
SELECT
    shard,
    pair,
    coalesce(chosen, preferred_number(statement)) AS chosen,
    coalesce(rejected, rejected_number(statement)) AS rejected
FROM best_pairs ANTI JOIN compared USING (pair)
JOIN pairs ON pairs.rowid = pair
WHERE ratio * $near_identical <= 2 - $near_identical
ORDER BY shard
