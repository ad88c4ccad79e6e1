-- The first three rejected lines per reason of a day, as samples.
-- Reads: conflicts, outcomes.
-- Parameters: none.
SELECT
    reason,
    detail,
    source_file AS file,
    source_line AS line,
    left(coalesce(outcomes.raw, conflicts.raw), 200) AS raw
FROM outcomes LEFT JOIN conflicts USING (source_file, source_line)
WHERE outcome = 'reject'
QUALIFY row_number() OVER (PARTITION BY reason ORDER BY source_file, source_line) <= 3
ORDER BY reason, source_file, source_line
