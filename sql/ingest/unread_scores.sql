-- Values that answers and feedback are kept without because they are not what their field holds, by log format.
-- Reads: parsed.
-- Parameters: none.
WITH notes AS (
    SELECT
        split_part(source_file, '/', 1) AS log_format,
        unnest(notes) AS note
    FROM parsed
    WHERE notes IS NOT NULL
)

SELECT
    log_format,
    note,
    count(*) AS lines
FROM notes
WHERE NOT regexp_matches(note, ' = \S+ is not between ')
GROUP BY log_format, note
ORDER BY lines DESC, log_format, note
LIMIT 20
