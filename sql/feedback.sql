-- The acts of feedback of a day, one row an id. Reads `parsed` and `fates`.
WITH acts AS (
    SELECT unnest(feedback) AS act, source_file, source_line
    FROM parsed SEMI JOIN fates ON fates.source_file = parsed.source_file AND fates.source_line = parsed.source_line
        AND fates.fate = 'row'
)
SELECT CAST($day AS DATE) AS day, unnest(act), sha256(CAST(to_json(act) AS VARCHAR)) AS content_sha256,
    source_file, source_line
FROM acts
QUALIFY row_number() OVER (PARTITION BY act.feedback_id ORDER BY act.given_at, content_sha256, source_file, source_line) = 1
