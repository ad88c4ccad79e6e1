-- The pairs after the comparison of texts: at most $per_prompt a prompt, then at most $max_pairs, round-robin over
-- prompts, the wider margin first. Reads `candidates` and `near_identical` (pair).
WITH compared AS (
    SELECT * EXCLUDE (reason), coalesce(reason, CASE
        WHEN place > $places THEN 'over_per_prompt'
        WHEN pair IN (SELECT pair FROM near_identical) THEN 'near_identical' END) AS reason
    FROM candidates
),
placed AS (
    SELECT * EXCLUDE (place), CASE WHEN reason IS NULL THEN row_number() OVER (
        PARTITION BY prompt_key, reason IS NULL ORDER BY place) END AS place
    FROM compared
)
SELECT * EXCLUDE (reason), coalesce(reason, CASE
    WHEN place > $per_prompt THEN 'over_per_prompt'
    WHEN row_number() OVER (PARTITION BY place <= $per_prompt
        ORDER BY place, chosen_reward - rejected_reward DESC NULLS FIRST, prompt_key, pair) > $max_pairs THEN 'over_max_pairs'
    END) AS reason
FROM placed
