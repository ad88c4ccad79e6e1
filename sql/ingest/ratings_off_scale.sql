-- Ratings and scores of the day that are outside their scale, by log format and field, with the lowest and the highest.
-- Reads: outcomes.
-- Parameters: none.
WITH ratings AS (
    SELECT
        split_part(source_file, '/', 1) AS log_format,
        regexp_extract(detail, '^(.+) = (\S+) is not between (.+)$', [
            'field', 'rating', 'scale'
        ]) AS found
    FROM outcomes
    WHERE reason = 'out_of_range'
)

SELECT
    log_format,
    found.field AS field,
    any_value(found.scale) AS scale,
    count(*) AS ratings,
    min(cast(found.rating AS DOUBLE)) AS lowest,
    max(cast(found.rating AS DOUBLE)) AS highest
FROM ratings
WHERE found.field <> ''
GROUP BY log_format, found.field
ORDER BY log_format, found.field
