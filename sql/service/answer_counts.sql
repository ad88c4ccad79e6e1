-- Counts of the selected answers: all, with a reward, good (reward 0.8 or more, no error), failed, and the days on
-- which they were given.
-- Reads: rated.
-- Parameters: none.
SELECT
    count(*) AS answers,
    count(reward) AS rated,
    count(*) FILTER (reaches(reward, 0.8) AND NOT error) AS good,
    count(*) FILTER (error) AS failed,
    count(DISTINCT cast(answered_at AS DATE)) AS days
FROM rated
