-- Figures of the answers that landed on $day and of the whole window, as known by the end of $day. Rates are shares of
-- all answers, that of good ones (reward 0.8 or more, no error) of the rated answers, since missing is not zero; 0
-- where there are none.
-- Reads: rated.
-- Parameters: $day.
WITH scoped AS (
    SELECT
        'window' AS scope,
        *
    FROM rated
    UNION ALL BY NAME
    SELECT
        'day' AS scope,
        *
    FROM rated
    WHERE landed_day = cast($day AS DATE)
),

scopes AS (SELECT unnest(['day', 'window']) AS scope),

counts AS (
    SELECT
        scope,
        count(*) AS answers,
        count(reward) AS rated,
        count(*) FILTER (reaches(reward, 0.8) AND NOT error) AS high_quality,
        count(*) FILTER (error) AS errors,
        quantile_cont(latency_ms, 0.5) AS latency_p50_ms,
        quantile_cont(latency_ms, 0.95) AS latency_p95_ms
    FROM scoped
    GROUP BY scope
),

by_agent AS (
    SELECT
        scope,
        coalesce(agent, '') AS name,
        count(*) AS n
    FROM scoped
    GROUP BY ALL
),

by_category AS (
    SELECT
        scope,
        coalesce(category, '') AS name,
        count(*) AS n
    FROM scoped
    GROUP BY ALL
)

SELECT
    cast($day AS DATE) AS day,
    scope,
    coalesce(answers, 0) AS answers,
    coalesce(rated, 0) AS rated,
    coalesce(high_quality, 0) AS high_quality,
    coalesce(high_quality / nullif(rated, 0), 0) AS high_quality_rate,
    coalesce(errors, 0) AS errors,
    coalesce(errors / nullif(answers, 0), 0) AS error_rate,
    latency_p50_ms,
    latency_p95_ms,
    coalesce((
        SELECT cast(to_json(map_from_entries(list((name, n) ORDER BY n DESC, name))) AS VARCHAR)
        FROM by_agent
        WHERE by_agent.scope = scopes.scope
    ), '{}') AS by_agent,
    coalesce((
        SELECT cast(to_json(map_from_entries(list((name, n) ORDER BY n DESC, name))) AS VARCHAR)
        FROM by_category
        WHERE by_category.scope = scopes.scope
    ), '{}') AS by_category
FROM scopes LEFT JOIN counts USING (scope)
ORDER BY scope
