-- How people rated served answers, by the adapter that the log names ('' where it names none) and by category: the
-- mean reward of each question's answers, and the share of them at two stars or below, or corrected. `mix` is the share
-- of all questions that the category has.
-- Reads: first_feedback, interactions, rated.
-- Parameters: none.
WITH answers AS (
    SELECT
        coalesce(rated.segment, '(none)') AS segment,
        coalesce(rated.category, '(none)') AS category,
        coalesce(interactions.adapter, '') AS adapter,
        rated.prompt_key,
        rated.reward,
        cast(reaches(0.25, rated.reward) OR rated.interaction_id IN (
            SELECT interaction_id FROM first_feedback
            WHERE kind = 'correction' AND source = 'human'
        ) AS INTEGER) AS rejected
    FROM rated JOIN interactions
        ON interactions.interaction_id = rated.interaction_id AND interactions.day = rated.landed_day
    WHERE rated.reward_source = 'human'
),

scores AS (
    SELECT
        segment,
        min(min(category)) OVER (PARTITION BY segment, prompt_key) AS category,
        adapter,
        prompt_key,
        avg(reward) AS score,
        avg(rejected) AS rejected
    FROM answers
    GROUP BY segment, adapter, prompt_key
),

mix AS (
    SELECT
        segment,
        category,
        count(DISTINCT prompt_key) AS mix
    FROM scores
    GROUP BY ALL
)

SELECT
    segment,
    adapter,
    category,
    mix,
    count(*) AS n,
    avg(score) AS mean,
    coalesce(var_samp(score), 0) AS variance,
    avg(rejected) AS rejected_mean,
    coalesce(var_samp(rejected), 0) AS rejected_variance
FROM scores JOIN mix USING (segment, category)
GROUP BY ALL
ORDER BY ALL
