-- The newest rated answers that a request is about. Of each text to a prompt one showing stands for all, as in
-- `rated_interactions`; where that one is filtered out, the next one does.
-- Reads: newest_rated.
-- Parameters: $agents, $brand, $first, $split.
SELECT
    * REPLACE (
        row_number() OVER (
            PARTITION BY prompt_key, answer_key
            ORDER BY coalesce(representative, FALSE) DESC, error, number
        ) = 1 AS representative
    )
FROM newest_rated
WHERE
    ($first IS NULL OR answered_at >= cast($first AS DATE))
    AND ($brand IS NULL OR segment = $brand)
    AND ($agents IS NULL OR list_contains($agents, agent))
    AND ($split IS NULL OR split = $split)
