-- Groups selected, their mean reward deviation, and complete groups dropped for lack of signal.
-- Reads: candidates, selected.
-- Parameters: none.
SELECT
    (
        SELECT count(*) FROM selected
        WHERE position = 1
    ) AS groups,
    (
        SELECT round(avg(round(sd, 9)), 4) FROM selected
        WHERE position = 1
    ) AS mean_sd,
    count(distinct(prompt, reward_source)) FILTER (reason = 'no_signal') AS groups_without_signal,
    count(distinct(prompt, reward_source)) FILTER (reason = 'all_failed') AS groups_all_failed
FROM candidates
