-- Feedback events of people by segment, agent and adapter of the answer that they are about, and by kind: those that
-- count, and those that were taken back. A comparison is about both of its answers.
-- Reads: feedback_history, rated.
-- Parameters: none.
WITH about AS (
    SELECT
        *,
        unnest(
            list_distinct([
                interaction_id, CASE WHEN kind IN ('preference', 'tie') THEN other_interaction_id END
            ])
        ) AS answer_id
    FROM feedback_history
    WHERE source = 'human' AND (is_counted OR is_withdrawn)
)

SELECT
    coalesce(segment, '(none)') AS segment,
    coalesce(agent, '(none)') AS agent,
    adapter,
    CASE
        WHEN NOT is_counted THEN 'taken back'
        WHEN kind = 'thumbs' THEN CASE WHEN value > 0.5 THEN 'thumbs up' ELSE 'thumbs down' END
        ELSE kind
    END AS event,
    count(DISTINCT feedback_id) AS events
FROM about JOIN rated ON rated.interaction_id = answer_id
GROUP BY ALL
ORDER BY ALL
