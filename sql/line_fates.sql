-- What became of every line of a day: a row, a duplicate of one, or a reject with its reason. Reads `parsed`.
-- Of records that share an id the earliest is kept, then the one with the smallest hash, so that the order of files
-- does not matter; the others are duplicates where their content is the same, and conflicts where it is not.
SELECT
    source_file, source_line, raw,
    CASE
        WHEN reason IS NOT NULL THEN 'reject'
        WHEN row_number() OVER one_id = 1 THEN 'row'
        WHEN content_sha256 = first_value(content_sha256) OVER one_id THEN 'duplicate'
        ELSE 'reject'
    END AS fate,
    CASE WHEN fate = 'reject' THEN coalesce(reason, 'conflicting_duplicate') END AS reason,
    CASE WHEN reason IS NULL THEN record_id ELSE detail END AS detail
FROM parsed
WINDOW one_id AS (
    PARTITION BY reason IS NULL, record, record_id ORDER BY happened_at, content_sha256, source_file, source_line
)
