-- The scores that count as overall although they have another name, with what they are worth.
-- Reads: rated.
-- Parameters: none.
SELECT
    reward_dimension AS score,
    count(*) AS answers,
    min(reward) AS lowest,
    avg(reward) AS mean,
    max(reward) AS highest
FROM rated
WHERE reward_dimension <> 'overall'
GROUP BY reward_dimension
ORDER BY answers DESC, score
