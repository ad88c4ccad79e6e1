-- All pairs with why each is not selected, or NULL in `reason`: of the wanted ones at most $max_pairs, round-robin over
-- prompts, the wider margin first.
-- Reads: best_pairs, drop_reasons, near_identical, pairs.
-- Parameters: $max_pairs.
WITH selected AS (
    SELECT
        pair,
        position
    FROM best_pairs JOIN pairs ON pairs.rowid = pair
    ORDER BY position, chosen_reward - rejected_reward DESC NULLS FIRST, prompt, feedback_id, chosen, rejected
    LIMIT $max_pairs
)

SELECT
    pairs.* EXCLUDE (chosen_text, rejected_text, fault),
    selected.position,
    coalesce(reason, CASE
        WHEN near_identical.pair IS NOT NULL THEN 'near_identical'
        WHEN best_pairs.pair IS NULL THEN 'over_per_prompt'
        WHEN selected.pair IS NULL THEN 'over_max_pairs'
    END) AS reason
FROM pairs
JOIN drop_reasons ON drop_reasons.pair = pairs.rowid
LEFT JOIN near_identical ON near_identical.pair = pairs.rowid
LEFT JOIN best_pairs ON best_pairs.pair = pairs.rowid
LEFT JOIN selected ON selected.pair = pairs.rowid
