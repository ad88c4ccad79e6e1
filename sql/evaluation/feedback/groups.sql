-- The answers of the window by segment, agent and adapter, with how people rated them. A question is the unit of the
-- rating: `n` questions with the mean and the variance of the mean reward of each.
-- Reads: rated.
-- Parameters: none.
WITH questions AS (
    SELECT
        coalesce(segment, '(none)') AS segment,
        coalesce(agent, '(none)') AS agent,
        adapter,
        count(*) AS answers,
        count(*) FILTER (reward_source = 'human') AS rated,
        avg(reward) FILTER (reward_source = 'human') AS score
    FROM rated
    GROUP BY segment, agent, adapter, prompt_key
)

SELECT
    segment,
    agent,
    adapter,
    cast(sum(answers) AS BIGINT) AS answers,
    cast(sum(rated) AS BIGINT) AS rated,
    count(score) AS n,
    avg(score) AS mean,
    coalesce(var_samp(score), 0) AS variance
FROM questions
GROUP BY segment, agent, adapter
ORDER BY ALL
