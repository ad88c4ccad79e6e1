-- The ratings that people gave an answer by one name, one per rater.
-- Reads: dimension_ratings.
-- Parameters: none.
SELECT
    dimension,
    interaction_id,
    any_value(unit) AS unit,
    list(value ORDER BY rater) AS ratings
FROM dimension_ratings
WHERE source = 'human'
GROUP BY dimension, interaction_id
ORDER BY dimension, interaction_id
