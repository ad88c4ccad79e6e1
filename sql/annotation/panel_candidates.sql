-- What a panel scores: answers of training and validation that people rated by one of $dimensions, of each dimension
-- $validation_answers, and then training answers that nobody else judged, at most $max_answers, those of prompts with
-- several first. Both by hashes: tomorrow asks about the same ones.
-- Reads: dimension_ratings, interactions, rated.
-- Parameters: $dimensions, $max_answers, $validation_answers.
WITH fit AS (
    SELECT
        prompt_key,
        cluster_key,
        split,
        interaction_id,
        landed_day,
        coalesce(pooled_source, 'synthetic') = 'synthetic' AND split = 'train' AS is_unjudged
    FROM rated
    WHERE
        NOT coalesce(error, FALSE) AND answer_chars > 0 AND prompt_fault IS NULL AND representative
        AND NOT coalesce(cut_off, FALSE) AND split IN ('train', 'validation')
),

by_people AS (
    SELECT interaction_id
    FROM (
        SELECT DISTINCT
            dimension,
            interaction_id
        FROM dimension_ratings
        WHERE source = 'human' AND list_contains($dimensions, dimension)
    ) SEMI JOIN fit USING (interaction_id)
    QUALIFY row_number() OVER (PARTITION BY dimension ORDER BY sha256(interaction_id)) <= $validation_answers
),

unjudged AS (
    SELECT interaction_id FROM fit
    WHERE is_unjudged
    ORDER BY count(*) OVER (PARTITION BY prompt_key) = 1, prompt_key, interaction_id LIMIT $max_answers
)

SELECT
    fit.* EXCLUDE (is_unjudged),
    fit.interaction_id NOT IN (SELECT by_people.interaction_id FROM by_people) AS is_label,
    interactions.prompt,
    interactions.answer,
    interactions.context,
    interactions.model
FROM fit JOIN interactions ON interactions.interaction_id = fit.interaction_id AND interactions.day = fit.landed_day
WHERE
    fit.interaction_id IN (SELECT by_people.interaction_id FROM by_people)
    OR fit.interaction_id IN (SELECT unjudged.interaction_id FROM unjudged)
ORDER BY is_label, sha256(fit.prompt_key), fit.interaction_id
