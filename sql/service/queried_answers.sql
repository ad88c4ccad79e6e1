-- A page of answers, the newest first, each as it landed first.
-- Reads: interactions, newest_rated.
-- Parameters: $agent, $before, $before_id, $brand, $good, $rows, $since, $until.
WITH landed AS (
    SELECT
        interaction_id,
        answered_at,
        day
    FROM interactions
    WHERE
        ($since IS NULL OR answered_at >= cast($since AS TIMESTAMPTZ))
        AND ($until IS NULL OR answered_at < cast($until AS TIMESTAMPTZ))
        AND ($agent IS NULL OR agent = $agent)
        AND ($brand IS NULL OR segment = $brand)
        AND (
            NOT $good
            OR interaction_id IN (
                SELECT interaction_id FROM newest_rated
                WHERE reaches(reward, 0.8) AND NOT error
            )
        )
    QUALIFY row_number() OVER (PARTITION BY interaction_id ORDER BY day) = 1
),

page AS (
    SELECT
        interaction_id,
        day
    FROM landed
    WHERE
        $before IS NULL
        OR answered_at < cast($before AS TIMESTAMPTZ)
        OR (answered_at = cast($before AS TIMESTAMPTZ) AND interaction_id < $before_id)
    ORDER BY answered_at DESC, interaction_id DESC
    LIMIT $rows
)

SELECT
    interaction_id,
    answered_at,
    list_filter(prompt, LAMBDA message: message.role = 'user')[-1].content AS query,
    answer,
    agent,
    quality_scores,
    latency_ms
FROM page JOIN interactions USING (interaction_id, day)
ORDER BY answered_at DESC, interaction_id DESC
