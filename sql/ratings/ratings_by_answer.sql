-- Every rating with its rater, in a fixed order.
-- Reads: dimension_ratings.
-- Parameters: none.
SELECT
    interaction_id,
    dimension,
    source,
    rater,
    value
FROM dimension_ratings
ORDER BY interaction_id, dimension, source, rater
