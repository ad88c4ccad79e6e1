-- The lines that hold a JSON object, as `object`, with its keys; NULL where a line holds anything else. Reading the
-- keys fails where a line is no JSON; asking first whether it is would parse every line once more.
-- Reads: lines.
-- Parameters: none.
SELECT
    *,
    CASE WHEN keys IS NOT NULL THEN line END AS object
FROM (
    SELECT
        *,
        CASE WHEN reason IS NULL AND regexp_matches(line, '^[ \t\n\r]*\{') THEN try(json_keys(line)) END AS keys
    FROM lines
)
