-- The acts of feedback of a day, one row an id.
-- Reads: fates, parsed.
-- Parameters: $day.
WITH acts AS (
    SELECT
        unnest(feedback) AS act,
        source_file,
        source_line
    FROM parsed
    WHERE len(feedback) > 0 AND rowid NOT IN (SELECT line_id FROM fates)
)

SELECT
    cast($day AS DATE) AS day,
    unnest(act),
    sha256(cast(to_json(act) AS VARCHAR)) AS content_sha256,
    source_file,
    source_line
FROM acts
QUALIFY
    row_number() OVER (PARTITION BY act.feedback_id ORDER BY act.given_at, content_sha256, source_file, source_line) = 1
