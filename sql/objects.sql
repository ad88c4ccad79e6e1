-- The lines that hold a JSON object, as `object`, with its keys; NULL where a line holds anything else. Reads `lines`.
SELECT *, json_keys(object) AS keys
FROM (
    SELECT *, CASE WHEN reason IS NULL AND starts_with(ltrim(line, chr(32) || chr(9) || chr(10) || chr(13)), '{')
                    AND json_valid(line) THEN line END AS object
    FROM lines
)
