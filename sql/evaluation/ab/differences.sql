-- Two agents on the questions that both answered, by category: differences of scores, wins and losses of `ours`. A
-- difference of rounding size is a tie. Sums of numbers depend on their order, so it is fixed.
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
),

both_answered AS (
    SELECT
        a.segment,
        a.source,
        a.category,
        a.prompt_key,
        a.agent AS ours,
        b.agent AS theirs,
        a.score - b.score AS difference
    FROM scores AS a JOIN scores AS b USING (segment, source, prompt_key)
    WHERE a.agent < b.agent
)

SELECT
    segment,
    source,
    ours,
    theirs,
    category,
    mix.questions AS mix,
    count(*) AS n,
    avg(difference ORDER BY prompt_key) AS mean,
    coalesce(var_samp(difference ORDER BY prompt_key), 0) AS variance,
    count(*) FILTER (difference > 1e-9) AS wins,
    count(*) FILTER (difference < -1e-9) AS losses
FROM both_answered JOIN mix USING (segment, source, category)
GROUP BY ALL
ORDER BY ALL
