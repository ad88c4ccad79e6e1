-- Groups taken, their mean reward deviation, and whole groups left out for lack of signal. Reads `rows` and `candidates`.
SELECT (SELECT count(*) FROM rows) AS groups,
    (SELECT round(avg(metadata.sd), 4) FROM rows) AS mean_sd,
    count(DISTINCT (prompt, reward_source)) FILTER (reason = 'no_signal') AS groups_without_signal,
    count(DISTINCT (prompt, reward_source)) FILTER (reason = 'all_failed') AS groups_all_failed
FROM candidates
