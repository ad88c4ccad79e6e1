-- How many of the selected answers each agent gave.
-- Reads: rated.
-- Parameters: none.
SELECT
    coalesce(agent, 'unknown') AS agent,
    count(*) AS answers
FROM rated
GROUP BY ALL
ORDER BY answers DESC, agent
