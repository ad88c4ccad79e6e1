-- Items of the queue that people answered: by an event that names the item in its id (q-<item_id>, alone or before
-- another dash), by a comparison of the same two answers or of two answers with their texts, and single answers by a
-- rating. `value` is the mean of what people said: 1 if the first answer is better or the single one good.
-- Reads: compared, first_feedback, items, rated, verdicts.
-- Parameters: none.
WITH pairs AS (
    SELECT
        items.item_id,
        items.first_id,
        items.second_id,
        one.answer_key AS first_key,
        other.answer_key AS second_key,
        one.prompt_key
    FROM items
    LEFT JOIN rated AS one ON one.interaction_id = items.first_id
    LEFT JOIN rated AS other ON other.interaction_id = items.second_id
    WHERE items.second_id IS NOT NULL
),

named AS (
    SELECT
        pairs.item_id,
        CASE
            WHEN kind = 'tie' OR value = 0.5 THEN 0.5
            WHEN answer_key(preferred) = first_key THEN 1.0
            WHEN answer_key(preferred) = second_key THEN 0.0
        END AS value
    FROM first_feedback JOIN pairs ON split_part(feedback_id, '-', 2) = pairs.item_id
    WHERE starts_with(feedback_id, 'q-') AND source = 'human' AND kind IN ('preference', 'tie')
),

compared_pairs AS (
    SELECT
        pairs.item_id,
        CASE WHEN first_id < second_id THEN low_better ELSE 1 - low_better END AS value
    FROM pairs JOIN compared
        ON compared.low_id = least(first_id, second_id) AND compared.high_id = greatest(first_id, second_id)
    WHERE compared.is_stated
),

same_texts AS (
    SELECT
        pairs.item_id,
        CASE WHEN one.answer_key = first_key THEN low_better ELSE 1 - low_better END AS value
    FROM pairs JOIN compared ON compared.prompt_key = pairs.prompt_key AND compared.is_stated
    JOIN rated AS one ON one.interaction_id = compared.low_id
    JOIN rated AS other ON other.interaction_id = compared.high_id
    WHERE
        (one.answer_key = first_key AND other.answer_key = second_key)
        OR (one.answer_key = second_key AND other.answer_key = first_key)
),

single_answers AS (
    SELECT
        items.item_id,
        avg(value) AS value
    FROM items JOIN verdicts ON verdicts.interaction_id = items.first_id AND verdicts.source = 'human'
    WHERE items.second_id IS NULL
    GROUP BY items.item_id
)

SELECT
    item_id,
    avg(value) AS value
FROM (
    FROM named
    UNION ALL
    FROM compared_pairs
    UNION ALL
    FROM same_texts
    UNION ALL
    FROM single_answers
)
WHERE value IS NOT NULL
GROUP BY item_id
ORDER BY item_id
