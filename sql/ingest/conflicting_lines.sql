-- The first characters of lines that share an id with another line but not its content.
-- Reads: lines, outcomes.
-- Parameters: none.
SELECT
    source_file,
    source_line,
    first_characters(line) AS raw
FROM lines SEMI JOIN (
    FROM outcomes
    WHERE reason = 'conflicting_duplicate'
) USING (source_file, source_line)
