-- The lines of a day that do not become rows: duplicates of a row, and rejects with their reasons. Of records that
-- share an id the earliest is kept, then the one with the smallest hash, so that the order of files does not matter;
-- the others are duplicates if their content is the same, and conflicts if not. Only ids whose hashes occur more than
-- once are compared; counting hashes takes less memory than counting ids.
-- Reads: parsed.
-- Parameters: none.
WITH repeated AS (
    SELECT hash(record, record_id) AS key FROM parsed
    WHERE reason IS NULL
    GROUP BY ALL
    HAVING count(*) > 1
),

ranked AS (
    SELECT
        *,
        row_number() OVER one_id AS rank,
        content_sha256 = first_value(content_sha256) OVER one_id AS is_same
    FROM (
        SELECT
            parsed.rowid AS line_id,
            source_file,
            source_line,
            record,
            record_id,
            happened_at,
            content_hash(record, interaction, feedback, answers) AS content_sha256
        FROM parsed
        WHERE reason IS NULL AND hash(record, record_id) IN (FROM repeated)
    )
    WINDOW one_id AS (
        PARTITION BY record, record_id ORDER BY happened_at, content_sha256, source_file, source_line
    )
)

SELECT
    rowid AS line_id,
    source_file,
    source_line,
    'reject' AS outcome,
    reason,
    detail,
    raw
FROM parsed
WHERE reason IS NOT NULL
UNION ALL
SELECT
    line_id,
    source_file,
    source_line,
    CASE WHEN is_same THEN 'duplicate' ELSE 'reject' END,
    CASE WHEN NOT is_same THEN 'conflicting_duplicate' END,
    record_id,
    NULL
FROM ranked
WHERE rank > 1
