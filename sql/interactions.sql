-- The answers of a day, one row an id: the lines that became rows, and the answers that feedback rows carry.
-- Reads `parsed` and `fates`.
SELECT CAST($day AS DATE) AS day, unnest(interaction),
    CASE record WHEN 'interaction' THEN content_sha256 ELSE sha256(CAST(to_json(interaction) AS VARCHAR)) END
        AS content_sha256,
    answer_key(interaction.answer) AS answer_key,
    -- Roles in order, or NULL where a message is blank.
    CASE WHEN len(list_filter(interaction.prompt, lambda message: stripped(message.content) = '')) = 0
         THEN array_to_string(list_transform(interaction.prompt, lambda message: message.role), ' ') END AS roles,
    source_file, source_line
FROM parsed SEMI JOIN fates ON fates.source_file = parsed.source_file AND fates.source_line = parsed.source_line
    AND fates.fate = 'row'
WHERE interaction IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY interaction.interaction_id
    ORDER BY record = 'feedback', interaction.answered_at, parsed.content_sha256, source_file, source_line
) = 1
