-- Each set of words once, numbered in the order in which sets first landed. Sets of earlier days keep their clusters,
-- those of $day and of later ones are assigned: they might start one that is named by their first prompt.
-- Reads: compared_prompts.
-- Parameters: $day.
WITH firsts AS (
    SELECT
        words_key,
        min(day) AS day,
        arg_min(prompt_key, (day, prompt_key)) AS prompt_key
    FROM compared_prompts
    GROUP BY words_key
)

SELECT
    row_number() OVER (ORDER BY firsts.day, prompt_key) AS number,
    firsts.day,
    words_key,
    prompt_key,
    firsts.day < cast($day AS DATE) AS assigned,
    CASE WHEN firsts.day < cast($day AS DATE) THEN first.cluster_key ELSE prompt_key END AS cluster_key
FROM firsts JOIN compared_prompts AS first USING (prompt_key, words_key)
