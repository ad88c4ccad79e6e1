-- What became of each answer: the pairs it is a side of or was prompt_number in, and the one reason where there is
-- none: that of the pair that reached furthest, or why it was in no pair.
-- Reads: answers, candidates, paired_answers.
-- Parameters: none.
WITH furthest AS (
    SELECT [
        'untrainable_prompt', 'between_splits', 'contaminated', 'error', 'empty_side', 'cut_off', 'identical',
        'contradiction', 'length_ratio', 'repeated', 'near_identical', 'over_per_prompt', 'over_max_pairs'
    ] AS reasons
),

pairs_reached AS (
    SELECT
        list_position(reasons, reason) AS reached,
        prompt_number,
        chosen,
        rejected
    FROM candidates, furthest
),

sides AS (
    SELECT
        chosen AS number,
        reached
    FROM pairs_reached
    UNION ALL
    SELECT
        rejected,
        reached
    FROM pairs_reached
    UNION ALL
    SELECT
        prompt_number,
        reached
    FROM pairs_reached
    WHERE prompt_number IS DISTINCT FROM chosen AND prompt_number IS DISTINCT FROM rejected
),

outcomes AS (
    SELECT
        number,
        count(*) FILTER (reached IS NULL) AS rows,
        max(reached) AS reached
    FROM sides
    WHERE number IS NOT NULL
    GROUP BY number
)

SELECT
    interaction_id,
    coalesce(rows, 0) AS rows,
    CASE WHEN coalesce(rows, 0) = 0 THEN coalesce(
        reasons[reached], unfit, CASE WHEN paired_answers.number IS NULL THEN 'over_max_answers' ELSE 'no_partner' END
    ) END AS reason
FROM answers LEFT JOIN outcomes USING (number) LEFT JOIN paired_answers USING (number), furthest
ORDER BY answers.number
