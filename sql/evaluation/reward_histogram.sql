-- Rated answers in tenths of the reward scale, by the source of the reward; a reward of 1 is in the last tenth.
-- Reads: rated.
-- Parameters: none.
SELECT
    reward_source,
    round(least(floor(reward * 10 + 1e-9), 9) / 10, 1) AS low,
    count(*) AS answers
FROM rated
WHERE reward IS NOT NULL
GROUP BY ALL
ORDER BY ALL
