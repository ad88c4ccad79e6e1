-- Pairs of different answers to one prompt that people may be asked about, those of different agents first; of each
-- prompt at most $per_prompt, made of its first six answers, so that a popular prompt costs no more than others.
-- Reads: answers.
-- Parameters: $max_pairs, $per_prompt.
WITH sides AS (
    SELECT * FROM answers
    QUALIFY row_number() OVER (PARTITION BY segment, task, prompt_key ORDER BY raters, position) <= 6
),

pairs AS (
    SELECT
        sides.segment,
        sides.task,
        sides.prompt_key,
        sides.interaction_id AS first_id,
        sides.landed_day AS first_day,
        rivals.interaction_id AS second_id,
        rivals.landed_day AS second_day,
        coalesce(sides.agent = rivals.agent, sides.agent IS NULL AND rivals.agent IS NULL) AS is_one_agent,
        sides.raters + rivals.raters AS pair_raters,
        md5(concat(sides.interaction_id, rivals.interaction_id)) AS pair_position
    FROM sides JOIN sides AS rivals
        ON
            sides.prompt_key = rivals.prompt_key AND sides.segment IS NOT DISTINCT FROM rivals.segment
            AND sides.task IS NOT DISTINCT FROM rivals.task AND sides.interaction_id < rivals.interaction_id
            AND sides.answer_key <> rivals.answer_key
),

pairs_of_prompt AS (
    SELECT * FROM pairs
    QUALIFY
        row_number() OVER (
            PARTITION BY segment, task, prompt_key ORDER BY is_one_agent, pair_raters, pair_position
        ) <= $per_prompt
)

SELECT * FROM pairs_of_prompt
QUALIFY row_number() OVER (PARTITION BY segment, task ORDER BY is_one_agent, pair_raters, pair_position) <= $max_pairs
ORDER BY is_one_agent, pair_raters, pair_position
