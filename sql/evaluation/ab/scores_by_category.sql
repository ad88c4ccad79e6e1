-- Scores by agent and category, and the share of the questions that the category has, whoever answered: the common mix.
-- Sums of numbers depend on their order, so it is fixed.
-- Reads: scores.
-- Parameters: none.
WITH mix AS (
    SELECT
        segment,
        source,
        category,
        count(DISTINCT prompt_key) AS questions
    FROM scores
    GROUP BY ALL
)

SELECT
    segment,
    source,
    agent,
    category,
    mix.questions AS mix,
    count(*) AS n,
    avg(score ORDER BY prompt_key) AS mean,
    coalesce(var_samp(score ORDER BY prompt_key), 0) AS variance
FROM scores JOIN mix USING (segment, source, category)
GROUP BY ALL
ORDER BY ALL
