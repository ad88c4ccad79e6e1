-- Ratings and scores of the day that are outside their scale, by log format and field, with the lowest and the highest:
-- those of rejected lines, and those that answers are kept without.
-- Reads: outcomes, parsed.
-- Parameters: none.
WITH details AS (
    SELECT
        source_file,
        detail
    FROM outcomes
    WHERE reason = 'out_of_range'
    UNION ALL
    SELECT
        source_file,
        unnest(notes)
    FROM parsed
    WHERE notes IS NOT NULL
),

ratings AS (
    SELECT
        split_part(source_file, '/', 1) AS log_format,
        regexp_extract(detail, '^(.+) = (\S+) is not between (.+)$', [
            'field', 'rating', 'scale'
        ]) AS found
    FROM details
)

SELECT
    log_format,
    found.field AS field,
    any_value(found.scale) AS scale,
    count(*) AS ratings,
    min(try_cast(found.rating AS DOUBLE)) AS lowest,
    max(try_cast(found.rating AS DOUBLE)) AS highest
FROM ratings
WHERE found.field <> ''
GROUP BY log_format, found.field
ORDER BY log_format, found.field
