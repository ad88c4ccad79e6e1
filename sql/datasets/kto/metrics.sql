-- Good and bad training rows, and the weights at which both kinds count alike, the rarer one above 1: for TRL's
-- `desirable_weight` and `undesirable_weight`. NULL where a kind is missing.
-- Reads: selected.
-- Parameters: none.
WITH counts AS (
    SELECT
        count(*) FILTER (label) AS good,
        count(*) FILTER (NOT label) AS bad
    FROM selected
    WHERE split = 'train'
)

SELECT
    good,
    bad,
    CASE WHEN good > 0 AND bad > 0 THEN round(greatest(1, bad / good), 4) END AS desirable_weight,
    CASE WHEN good > 0 AND bad > 0 THEN round(greatest(1, good / bad), 4) END AS undesirable_weight
FROM counts
