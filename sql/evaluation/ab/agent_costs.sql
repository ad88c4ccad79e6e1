-- What each agent did: answers, failures, unrated ones, and what they cost where it was logged.
-- Reads: interactions, rated.
-- Parameters: none.
SELECT
    coalesce(rated.segment, '(none)') AS segment,
    rated.agent AS agent,
    count(*) AS answers,
    count(*) FILTER (rated.error) AS failed,
    count(*) FILTER (rated.reward IS NULL) AS unrated,
    median(rated.latency_ms) AS latency_p50_ms,
    quantile_cont(rated.latency_ms, 0.95) AS latency_p95_ms,
    cast(sum(interactions.tokens) AS BIGINT) AS tokens,
    sum(interactions.cost_usd) AS cost_usd,
    count(interactions.cost_usd) AS priced
FROM rated JOIN interactions
    ON interactions.interaction_id = rated.interaction_id AND interactions.day = rated.landed_day
WHERE rated.agent IS NOT NULL
GROUP BY ALL
ORDER BY ALL
