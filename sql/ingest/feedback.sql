-- The feedback events of a day, one row per id.
-- Reads: outcomes, parsed.
-- Parameters: $day.
WITH events AS (
    SELECT
        unnest(feedback) AS event,
        source_file,
        source_line
    FROM parsed
    WHERE len(feedback) > 0 AND rowid NOT IN (SELECT line_id FROM outcomes)
)

SELECT
    cast($day AS DATE) AS day,
    unnest(event),
    sha256(cast(to_json(event) AS VARCHAR)) AS content_sha256,
    source_file,
    source_line
FROM events
QUALIFY
    row_number() OVER (
        PARTITION BY event.feedback_id ORDER BY event.given_at, content_sha256, source_file, source_line
    ) = 1
