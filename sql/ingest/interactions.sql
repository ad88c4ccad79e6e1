-- The answers of a day, one row per id: those of the lines that became rows, and those that feedback rows contain.
-- `content` is everything that the log has on an answer, but for an answer without outer whitespace: its key stands for
-- that one.
-- Reads: outcomes, parsed.
-- Parameters: $day.
WITH answers AS NOT MATERIALIZED (
    SELECT
        rowid AS line_id,
        record,
        interaction,
        source_file,
        source_line
    FROM parsed
    WHERE interaction IS NOT NULL AND rowid NOT IN (SELECT line_id FROM outcomes)
    UNION ALL
    SELECT
        rowid,
        record,
        unnest(answers),
        source_file,
        source_line
    FROM parsed
    WHERE len(answers) > 0 AND rowid NOT IN (SELECT line_id FROM outcomes)
),

repeated AS (
    SELECT hash(interaction.interaction_id) AS key FROM answers
    GROUP BY ALL
    HAVING count(*) > 1
),

surplus AS (
    SELECT
        line_id,
        interaction.interaction_id AS id
    FROM answers
    WHERE hash(interaction.interaction_id) IN (FROM repeated)
    QUALIFY row_number() OVER (
        PARTITION BY interaction.interaction_id
        ORDER BY
            record = 'feedback', interaction.answered_at, content_hash('interaction', interaction, NULL, NULL),
            source_file, source_line
    ) > 1
)

SELECT
    cast($day AS DATE) AS day,
    unnest(interaction),
    answer_content(struct_update(
        interaction, answer
        := CASE WHEN NOT is_trim(interaction.answer) THEN interaction.answer END
    )) AS content,
    -- Roles in order, or NULL if a message is blank or if there is more than text.
    CASE
        WHEN
            len(list_filter(
                interaction.prompt,
                LAMBDA message: stripped(message.content) = '' OR has_media(message.content)
            )) = 0
            AND has_media(interaction.answer) IS NOT TRUE
            THEN array_to_string(list_transform(interaction.prompt, LAMBDA message: message.role), ' ')
    END AS roles,
    source_file,
    source_line
FROM answers ANTI JOIN surplus ON surplus.line_id = answers.line_id AND surplus.id = interaction.interaction_id
