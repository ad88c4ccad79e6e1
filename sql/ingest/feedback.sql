-- The feedback events of a day, one row per id: the latest, and of equal times the one that landed last. The lines of
-- repeated answers have feedback too, those that conflict included. An event without a time has that of the start of
-- the day; it is no earlier than what its rater said before it in the day's files. `position` is the order in which
-- events of one rater landed that have the same time; events without a rater have one rater per answer.
-- Reads: parsed.
-- Parameters: $day.
WITH unnested AS (
    SELECT
        unnest(feedback) AS event,
        source_file,
        source_line
    FROM parsed
    WHERE len(feedback) > 0 AND reason IS NULL
),

landed AS (
    SELECT
        *,
        event.given_at AS given_at,
        CASE WHEN event.rater IS NULL THEN event.interaction_id END AS answer_of_unnamed,
        hash(event.source, event.rater, answer_of_unnamed) AS voter
    FROM unnested
),

-- Most logs have times throughout: only the raters of events without one are put in order.
timed AS (
    SELECT
        * EXCLUDE (given_at),
        max(given_at) OVER (
            PARTITION BY event.source, event.rater, answer_of_unnamed
            ORDER BY source_file, source_line, event.feedback_id
        ) AS given_at
    FROM landed
    WHERE voter IN (
        SELECT untimed.voter FROM landed AS untimed
        WHERE untimed.given_at = cast($day AS TIMESTAMPTZ)
    )
),

events AS (
    SELECT
        struct_update(event, given_at := given_at) AS event,
        answer_of_unnamed,
        source_file,
        source_line
    FROM timed
    WHERE event.given_at = cast($day AS TIMESTAMPTZ)
    UNION ALL
    SELECT
        event,
        answer_of_unnamed,
        source_file,
        source_line
    FROM landed
    WHERE given_at IS DISTINCT FROM cast($day AS TIMESTAMPTZ)
),

latest AS (
    SELECT
        event,
        answer_of_unnamed,
        sha256(event_content(event)) AS content_sha256,
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
        PARTITION BY event.source, event.rater, answer_of_unnamed, event.given_at
        ORDER BY source_file, source_line, event.feedback_id
    ) AS position,
    source_file,
    source_line
FROM latest
