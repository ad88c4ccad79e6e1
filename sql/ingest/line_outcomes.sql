-- The lines of a day that do not become rows: duplicates of a row, and rejects with their reasons. Of answers that
-- share an id the most complete copy of the text that came first is kept, whatever the order of files: copies of its
-- prompt and answer are duplicates, other texts are conflicts. Of feedback events that share an id the latest is kept,
-- and at equal times the one that landed last; the others are duplicates. Only ids whose hashes occur more than once
-- are compared; counting hashes takes less memory than counting ids.
-- Reads: parsed.
-- Parameters: none.
WITH repeated AS (
    SELECT hash(record, record_id) AS key FROM parsed
    WHERE reason IS NULL
    GROUP BY ALL
    HAVING count(*) > 1
),

copies AS (
    SELECT
        parsed.rowid AS line_id,
        source_file,
        source_line,
        record,
        record_id,
        happened_at,
        CASE WHEN record <> 'feedback' THEN texts_of_answers(interaction, answers) ELSE [] END AS texts,
        CASE record
            WHEN 'interaction' THEN filled_fields(interaction)
            WHEN 'tree' THEN list_sum(list_transform(answers, LAMBDA answer: filled_fields(answer)))
        END AS filled,
        content_hash(record, interaction, feedback, answers) AS content_sha256
    FROM parsed
    WHERE reason IS NULL AND hash(record, record_id) IN (FROM repeated)
),

timed AS (
    SELECT
        *,
        min(happened_at) OVER (PARTITION BY record, record_id, texts) AS first_time
    FROM copies
),

ranked AS (
    SELECT
        *,
        CASE record
            WHEN 'feedback'
                THEN row_number() OVER (
                    PARTITION BY record, record_id ORDER BY happened_at DESC, source_file DESC, source_line DESC
                )
            ELSE row_number() OVER one_answer
        END AS rank,
        list_has_all(first_value(texts) OVER one_answer, texts) AS is_same
    FROM timed
    WINDOW one_answer AS (
        PARTITION BY record, record_id
        ORDER BY
            len(texts) DESC, first_time, texts, filled DESC, happened_at, content_sha256, source_file, source_line
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
