-- The scores that say how good an answer is as a whole: those of the dimension `overall`. If people gave an answer
-- scores of one other name only, and none overall, these count as overall. Of several names none does: the settings
-- must say which one decides.
-- Reads: first_feedback.
-- Parameters: none.
WITH scores AS MATERIALIZED (
    SELECT
        interaction_id,
        source,
        dimension,
        value,
        coalesce(rater, CASE source WHEN 'human' THEN feedback_id END) AS voter,
        given_at,
        day,
        position,
        feedback_id
    FROM first_feedback
    WHERE value IS NOT NULL
),

only_names AS (
    SELECT
        interaction_id,
        min(dimension) AS dimension
    FROM scores
    WHERE source = 'human' AND dimension <> 'overall'
    GROUP BY interaction_id
    HAVING min(dimension) = max(dimension)
)

SELECT scores.*
FROM scores
LEFT JOIN only_names ON only_names.interaction_id = scores.interaction_id AND only_names.dimension = scores.dimension
WHERE
    scores.dimension = 'overall'
    OR (
        scores.source = 'human'
        AND only_names.interaction_id IS NOT NULL
        AND scores.interaction_id NOT IN (
            SELECT overall.interaction_id FROM scores AS overall
            WHERE overall.source = 'human' AND overall.dimension = 'overall'
        )
    )
