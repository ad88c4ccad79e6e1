-- What became of each answer: the pairs it is a side of or was asked in, and the one reason where there is none: that
-- of the pair that came furthest, or why it was in no pair.
-- Reads: answers, choice, paired_answers.
-- Parameters: none.
WITH furthest AS (
    SELECT [
        'untrainable_prompt', 'between_splits', 'contaminated', 'empty_side', 'identical', 'contradiction',
        'length_ratio', 'repeated', 'near_identical', 'over_per_prompt', 'over_max_pairs'
    ] AS reasons
),

judged AS (
    SELECT
        list_position(reasons, reason) AS came,
        asked,
        chosen,
        rejected
    FROM choice, furthest
),

sides AS (
    SELECT
        chosen AS number,
        came
    FROM judged
    UNION ALL
    SELECT
        rejected,
        came
    FROM judged
    UNION ALL
    SELECT
        asked,
        came
    FROM judged
    WHERE asked IS DISTINCT FROM chosen AND asked IS DISTINCT FROM rejected
),

fates AS (
    SELECT
        number,
        count(*) FILTER (came IS NULL) AS rows,
        max(came) AS came
    FROM sides
    WHERE number IS NOT NULL
    GROUP BY number
)

SELECT
    interaction_id,
    coalesce(rows, 0) AS rows,
    CASE WHEN coalesce(rows, 0) = 0 THEN coalesce(
        reasons[came], unfit, CASE WHEN paired_answers.number IS NULL THEN 'over_max_answers' ELSE 'no_partner' END
    ) END AS reason
FROM answers LEFT JOIN fates USING (number) LEFT JOIN paired_answers USING (number), furthest
ORDER BY answers.number
