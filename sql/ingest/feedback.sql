-- The feedback events of a day, one row per id: the latest, and of equal times the one that landed last. The lines of
-- repeated answers have feedback too, those that conflict included. `position` is the order in which events of one
-- rater on one answer landed that have the same time.
-- Reads: parsed.
-- Parameters: $day.
WITH events AS (
    SELECT
        unnest(feedback) AS event,
        source_file,
        source_line
    FROM parsed
    WHERE len(feedback) > 0 AND reason IS NULL
),

latest AS (
    SELECT
        event,
        sha256(cast(to_json(event) AS VARCHAR)) AS content_sha256,
        source_file,
        source_line
    FROM events
    QUALIFY
        row_number() OVER (
            PARTITION BY event.feedback_id ORDER BY event.given_at DESC, source_file DESC, source_line DESC
        ) = 1
)

SELECT
    cast($day AS DATE) AS day,
    unnest(event),
    content_sha256,
    row_number() OVER (
        PARTITION BY event.interaction_id, event.source, event.dimension, event.rater, event.given_at
        ORDER BY source_file, source_line, event.feedback_id
    ) AS position,
    source_file,
    source_line
FROM latest
