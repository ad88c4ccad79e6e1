-- The lines of a day that were refused, with the beginning of each.
-- Reads: conflicts, fates.
-- Parameters: $day.
SELECT
    cast($day AS DATE) AS day,
    source_file,
    source_line,
    reason,
    detail,
    coalesce(fates.raw, conflicts.raw) AS raw
FROM fates LEFT JOIN conflicts USING (source_file, source_line)
WHERE fate = 'reject'
ORDER BY source_file, source_line
