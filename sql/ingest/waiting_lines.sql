-- The lines that wait for the others of their record, record by record, in order of files and lines.
-- Reads: waiting.
-- Parameters: none.
SELECT
    key,
    source_file,
    source_line,
    line
FROM waiting
ORDER BY key, source_file, source_line
