-- The first three refused lines of each reason of a day, for the eye.
-- Reads: conflicts, fates.
-- Parameters: none.
SELECT
    reason,
    detail,
    source_file AS file,
    source_line AS line,
    left(coalesce(fates.raw, conflicts.raw), 200) AS beginning
FROM fates LEFT JOIN conflicts USING (source_file, source_line)
WHERE fate = 'reject'
QUALIFY row_number() OVER (PARTITION BY reason ORDER BY source_file, source_line) <= 3
ORDER BY reason, source_file, source_line
