-- Scores of the window of which no reward is made, by the names that an answer has together: those of people if its
-- reward is not by people, and any others if it has no reward at all.
-- Reads: first_feedback, interactions, rated.
-- Parameters: none.
WITH stated AS (
    SELECT
        first_feedback.interaction_id,
        first_feedback.source,
        first_feedback.dimension
    FROM first_feedback JOIN rated USING (interaction_id)
    WHERE
        value IS NOT NULL
        AND (reward_source IS NULL OR (first_feedback.source = 'human' AND reward_source <> 'human'))
),

logged AS (
    SELECT
        interactions.interaction_id,
        'judge' AS source,
        unnest(map_keys(quality_scores)) AS dimension
    FROM interactions
    JOIN rated ON rated.interaction_id = interactions.interaction_id AND rated.landed_day = interactions.day
    WHERE reward_source IS NULL
),

all_scores AS (
    FROM stated
    UNION ALL
    FROM logged
),

named AS (
    SELECT
        interaction_id,
        list_sort(list(DISTINCT dimension)) AS names,
        source
    FROM all_scores
    GROUP BY interaction_id, source
)

SELECT
    names,
    source,
    count(*) AS answers
FROM named
GROUP BY names, source
ORDER BY source, answers DESC, names
