-- Ratings of the day that are outside their scale, by field, with the lowest and the highest.
-- Reads: outcomes.
-- Parameters: none.
WITH ratings AS (
    SELECT
        regexp_extract(detail, '^(rating|user_rating|feedback\.rating) = (\S+) is not between (.+)$', [
            'field', 'rating', 'scale'
        ]) AS found
    FROM outcomes
    WHERE reason = 'out_of_range'
)

SELECT
    found.field AS field,
    any_value(found.scale) AS scale,
    count(*) AS ratings,
    min(cast(found.rating AS DOUBLE)) AS lowest,
    max(cast(found.rating AS DOUBLE)) AS highest
FROM ratings
WHERE found.field <> ''
GROUP BY found.field
ORDER BY found.field
