-- The texts of answers that someone rated or compared, with what they answered. An answer that failed, is empty, or
-- that no dataset takes, is none.
-- Reads: dimension_ratings, first_feedback, interactions, rated.
-- Parameters: none.
SELECT
    rated.interaction_id,
    rated.prompt_key,
    split,
    coalesce(session_id, rated.prompt_key) AS session,
    coalesce(cluster_key, rated.prompt_key) AS cluster,
    coalesce(list_filter(prompt, LAMBDA turn: turn.role = 'user')[-1].content, '') AS prompt,
    answer,
    context,
    rated.content_sha256
FROM rated JOIN interactions
    ON interactions.interaction_id = rated.interaction_id AND interactions.day = landed_day
WHERE
    prompt_fault IS NULL AND NOT rated.error AND rated.answer_chars > 0 AND split IS NOT NULL
    AND rated.interaction_id IN (
        SELECT dimension_ratings.interaction_id FROM dimension_ratings
        UNION
        SELECT first_feedback.interaction_id FROM first_feedback
        WHERE kind = 'preference'
    )
ORDER BY rated.interaction_id
