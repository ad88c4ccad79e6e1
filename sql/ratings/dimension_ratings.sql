-- Each rating that counts of a rated answer, by name and source: the latest of every rater. A log's own scores of an
-- answer (`quality_scores`) are a judge's, unless a judge rated it by that name in an event of its own. Raters without
-- a name are told apart by their acts. `unit` is what rows are dependent within: the session, else the prompt cluster.
-- Reads: first_feedback, interactions, rated.
-- Parameters: none.
WITH answers AS (
    SELECT
        rated.interaction_id,
        landed_day,
        rated.prompt_key,
        cluster_key,
        split,
        coalesce(session_id, cluster_key, rated.prompt_key) AS unit,
        quality_scores,
        rated.content_sha256
    FROM rated JOIN interactions
        ON interactions.interaction_id = rated.interaction_id AND interactions.day = landed_day
),

stated AS (
    SELECT
        interaction_id,
        dimension,
        source,
        coalesce(rater, feedback_id) AS rater,
        value
    FROM first_feedback
    WHERE value IS NOT NULL AND dimension IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY interaction_id, dimension, source, coalesce(rater, feedback_id)
        ORDER BY given_at DESC, day DESC, position DESC NULLS LAST, feedback_id DESC
    ) = 1
),

logged AS (
    SELECT
        interaction_id,
        unnest(map_keys(quality_scores)) AS dimension,
        'judge' AS source,
        '' AS rater,
        unnest(map_values(quality_scores)) AS value
    FROM answers
),

ratings AS (
    FROM stated
    UNION ALL
    SELECT logged.* FROM logged ANTI JOIN stated USING (interaction_id, dimension, source)
    WHERE value IS NOT NULL
)

SELECT
    answers.* EXCLUDE (quality_scores),
    dimension,
    source,
    rater,
    value
FROM ratings JOIN answers USING (interaction_id)
