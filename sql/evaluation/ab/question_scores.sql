-- One row per question and agent: the mean reward of the agent's answers to it. Questions carry one category, the first
-- by name where the log disagrees with itself. Only rewards of one source are put on one scale.
-- Reads: rated.
-- Parameters: none.
SELECT
    coalesce(segment, '(none)') AS segment,
    reward_source AS source,
    prompt_key,
    coalesce(min(min(category)) OVER (PARTITION BY segment, reward_source, prompt_key), '(none)') AS category,
    agent,
    avg(reward ORDER BY interaction_id) AS score
FROM rated
WHERE reward IS NOT NULL AND agent IS NOT NULL
GROUP BY segment, reward_source, prompt_key, agent
