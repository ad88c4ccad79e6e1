-- The rejected lines of each file by reason, and the share of the file's lines that they are; the largest share first.
-- `detail` is the most frequent one, but for conflicts, where it is an id.
-- Reads: outcomes, parsed.
-- Parameters: none.
WITH read AS (
    SELECT
        source_file,
        count(*) AS lines
    FROM parsed
    GROUP BY source_file
)

SELECT
    source_file AS file,
    reason,
    mode(detail) FILTER (reason <> 'conflicting_duplicate') AS detail,
    count(*) AS rejects,
    any_value(lines) AS lines,
    count(*) / any_value(lines) AS share
FROM outcomes INNER JOIN read USING (source_file)
WHERE outcome = 'reject'
GROUP BY source_file, reason
ORDER BY share DESC, file, reason
