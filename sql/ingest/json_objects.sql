-- The lines that hold a JSON object, as `object`, with its keys; NULL if a line holds anything else. Reading the keys
-- fails if a line is not JSON; checking that first would parse every line twice.
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
