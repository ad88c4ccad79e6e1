-- The rejected lines of a day, with their first characters.
-- Reads: conflicts, outcomes.
-- Parameters: $day.
SELECT
    cast($day AS DATE) AS day,
    source_file,
    source_line,
    reason,
    detail,
    coalesce(outcomes.raw, conflicts.raw) AS raw
FROM outcomes LEFT JOIN conflicts USING (source_file, source_line)
WHERE outcome = 'reject'
ORDER BY source_file, source_line
