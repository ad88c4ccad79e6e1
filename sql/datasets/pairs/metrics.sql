-- What is known of the pairs as a whole: pairs by strategy, and how often the longer text is the better.
-- Reads: selected.
-- Parameters: none.
SELECT
    count(*) FILTER (metadata.strategy = 'explicit') AS explicit,
    count(*) FILTER (metadata.strategy = 'all_margin') AS all_margin,
    count(*) FILTER (metadata.strategy = 'best_worst') AS best_worst,
    count(*) FILTER (metadata.strategy = 'ratings') AS ratings,
    count(*) FILTER (metadata.strategy = 'mu2s') AS mu2s,
    count(*) FILTER (metadata.strategy = 'judge') AS judge,
    count(DISTINCT prompt_key) AS prompts,
    round(avg(metadata.margin), 4) AS mean_margin,
    round(avg(cast(longer AS INTEGER)), 4) AS longer_is_chosen
FROM selected
