-- The line counts of every file of a day: lines = rows + duplicates + rejects.
-- Reads: files, outcomes, parsed.
-- Parameters: $day.
WITH read AS (
    SELECT
        source_file,
        count(*) AS lines
    FROM parsed
    GROUP BY source_file
),

dropped AS (
    SELECT
        source_file,
        count(*) FILTER (outcome = 'duplicate') AS duplicates,
        count(*) FILTER (outcome = 'reject') AS rejects
    FROM outcomes
    GROUP BY source_file
)

SELECT
    cast($day AS DATE) AS day,
    name AS source_file,
    fingerprint,
    coalesce(lines, 0) AS lines,
    coalesce(lines, 0) - coalesce(duplicates, 0) - coalesce(rejects, 0) AS rows,
    coalesce(duplicates, 0) AS duplicates,
    coalesce(rejects, 0) AS rejects
FROM files
LEFT JOIN read ON read.source_file = files.name
LEFT JOIN dropped ON dropped.source_file = files.name
ORDER BY name
