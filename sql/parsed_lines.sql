-- What each line says, with the id, time and content hash of its record. Reads `format_lines`, what a format selects.
SELECT
    source_file, source_line, reason, detail, left(raw, 4096) AS raw, record,
    CAST(interaction AS interaction_record) AS interaction,
    CAST(feedback AS feedback_record[]) AS feedback,
    CASE record WHEN 'interaction' THEN interaction.interaction_id ELSE feedback[1].feedback_id END AS record_id,
    CASE record WHEN 'interaction' THEN interaction.answered_at ELSE feedback[1].given_at END AS happened_at,
    sha256(CAST(CASE record WHEN 'interaction' THEN to_json(interaction) ELSE to_json(feedback[1]) END AS VARCHAR))
        AS content_sha256
FROM format_lines
