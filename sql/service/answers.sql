-- The answers that people may be asked about as of a day, in the order in which they are asked: fewest raters first,
-- otherwise at random but the same for all. One showing stands for all of a text; failed and empty answers and those
-- whose prompt no dataset takes are dropped. Of each brand and task at most $max_answers.
-- Reads: rated.
-- Parameters: $max_answers.
WITH answers AS (
    SELECT
        interaction_id,
        landed_day,
        prompt_key,
        answer_key,
        agent,
        task,
        segment,
        CASE WHEN reward_source = 'human' THEN raters ELSE 0 END AS raters,
        md5(interaction_id) AS position
    FROM rated
    WHERE representative AND answer_chars > 0 AND NOT error AND prompt_fault IS NULL
)

SELECT * FROM answers
QUALIFY row_number() OVER (PARTITION BY segment, task ORDER BY raters, position) <= $max_answers
ORDER BY raters, position
