-- What became of each answer: the pairs it is a side of or was asked in, and the one reason where there is none: that of
-- the pair that came furthest, or why it was in no pair. Reads `answers`, `paired_answers` and `choice`.
WITH sides AS (
    SELECT DISTINCT pair, reason, unnest([asked_in, chosen_id, rejected_id]) AS interaction_id FROM choice
),
fates AS (
    SELECT interaction_id, count(*) FILTER (reason IS NULL) AS rows, arg_max(reason, list_position([
        'untrainable_prompt', 'between_splits', 'contaminated', 'empty_side', 'identical', 'contradiction', 'length_ratio',
        'repeated', 'near_identical', 'over_per_prompt', 'over_max_pairs'], reason)) AS reason
    FROM sides
    WHERE interaction_id IS NOT NULL
    GROUP BY interaction_id
)
SELECT interaction_id, coalesce(rows, 0) AS rows, CASE WHEN coalesce(rows, 0) = 0 THEN coalesce(reason, unfit,
    CASE WHEN paired_answers.interaction_id IS NULL THEN 'over_max_answers' ELSE 'no_partner' END) END AS reason
FROM answers LEFT JOIN fates USING (interaction_id) LEFT JOIN paired_answers USING (interaction_id)
ORDER BY interaction_id
