-- The beginnings of lines whose id another line had with another content.
-- Reads: fates, lines.
-- Parameters: none.
SELECT
    source_file,
    source_line,
    beginning(line) AS raw
FROM lines SEMI JOIN (
    FROM fates
    WHERE reason = 'conflicting_duplicate'
) USING (source_file, source_line)
