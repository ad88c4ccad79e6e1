-- How often the answer that was shown first won, by segment, agent and adapter of either answer.
-- Reads: decided_comparisons, rated.
-- Parameters: none.
WITH about AS (
    SELECT
        first_won,
        unnest([interaction_id, other_interaction_id]) AS answer_id,
        row_number() OVER () AS comparison
    FROM decided_comparisons
)

SELECT
    coalesce(segment, '(none)') AS segment,
    coalesce(agent, '(none)') AS agent,
    adapter,
    count(DISTINCT comparison) AS decided,
    count(DISTINCT comparison) FILTER (first_won) AS first_won
FROM about JOIN rated ON rated.interaction_id = answer_id
GROUP BY ALL
ORDER BY ALL
