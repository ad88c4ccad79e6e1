-- All pairs with why each is not taken, or NULL in `reason`: of the wanted ones at most $max_pairs, round-robin over
-- prompts, the wider margin first.
-- Reads: near_identical, pair_reasons, pairs, wanted_pairs.
-- Parameters: $max_pairs.
WITH taken AS (
    SELECT
        pair,
        place
    FROM wanted_pairs JOIN pairs ON pairs.rowid = pair
    ORDER BY place, chosen_reward - rejected_reward DESC NULLS FIRST, prompt, feedback_id, chosen, rejected
    LIMIT $max_pairs
)

SELECT
    pairs.* EXCLUDE (chosen_text, rejected_text, fault),
    taken.place,
    coalesce(reason, CASE
        WHEN near_identical.pair IS NOT NULL THEN 'near_identical'
        WHEN wanted_pairs.pair IS NULL THEN 'over_per_prompt'
        WHEN taken.pair IS NULL THEN 'over_max_pairs'
    END) AS reason
FROM pairs
JOIN pair_reasons ON pair_reasons.pair = pairs.rowid
LEFT JOIN near_identical ON near_identical.pair = pairs.rowid
LEFT JOIN wanted_pairs ON wanted_pairs.pair = pairs.rowid
LEFT JOIN taken ON taken.pair = pairs.rowid
