-- One row per answer, name of rating and source, as of $day.
-- Reads: dimension_ratings.
-- Parameters: $day.
SELECT
    cast($day AS DATE) AS day,
    interaction_id,
    any_value(landed_day) AS landed_day,
    any_value(prompt_key) AS prompt_key,
    any_value(cluster_key) AS cluster_key,
    any_value(split) AS split,
    dimension,
    source,
    round(avg(value), 9) AS value,
    count(*) AS raters,
    round(stddev_pop(value), 9) AS spread,
    cast(NULL AS VARCHAR) AS model,
    any_value(content_sha256) AS content_sha256
FROM dimension_ratings
GROUP BY interaction_id, dimension, source
ORDER BY interaction_id, dimension, source
