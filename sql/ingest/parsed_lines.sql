-- The records of each line, with id and time, or why it was rejected, with its first characters.
-- Reads: format_lines.
-- Parameters: none.
SELECT
    source_file,
    source_line,
    reason_of(fault) AS reason,
    detail_of(fault) AS detail,
    CASE WHEN fault IS NOT NULL THEN first_characters(line) END AS raw,
    fields,
    notes,
    record,
    cast(interaction AS interaction_record) AS interaction,
    cast(feedback AS feedback_record[]) AS feedback,
    cast(answers AS interaction_record[]) AS answers,
    CASE record
        WHEN 'interaction' THEN interaction.interaction_id
        WHEN 'tree' THEN answers[1].interaction_id
        ELSE feedback[1].feedback_id
    END AS record_id,
    CASE record
        WHEN 'interaction' THEN interaction.answered_at
        WHEN 'tree' THEN answers[1].answered_at
        ELSE feedback[1].given_at
    END AS happened_at
FROM format_lines
