-- Every answer and every correction, with why it is not a training row, or NULL in `reason` where it is one. One row a
-- prompt: a human's correction first, then a teacher's, then the best reward, the shorter, the newer. Rewards of many
-- raters count for more than those of few: they are compared as (n r + 0.1) / (n + 0.2), a fifth of a rater at 0.5.
-- Where raters disagree, from $sure_from of them on the lower bound of the reward must reach $min_reward too.
-- Reads: answers, corrections.
-- Parameters: $max_samples, $min_reward, $sure_from.
WITH offers AS (
    SELECT
        number,
        cast(NULL AS VARCHAR) AS feedback_id,
        prompt,
        reward,
        (raters * reward + 0.1) / (raters + 0.2) AS expected,
        NOT reaches(lower, $min_reward) AND raters >= $sure_from AND NOT reaches(lowest, $min_reward) AS unsure,
        answer_chars,
        answered_at,
        coalesce(unfit, CASE
            WHEN cut_off THEN 'cut_off' WHEN refusal THEN 'refusal' WHEN boilerplate THEN 'boilerplate'
        END) AS unfit,
        3 AS origin
    FROM answers
    UNION ALL BY NAME
    SELECT
        number,
        feedback_id,
        prompt,
        1.0 AS reward,
        1.0 AS expected,
        FALSE AS unsure,
        answer_length(preferred) AS answer_chars,
        given_at AS answered_at,
        coalesce(prompt_fault, CASE WHEN is_empty_answer(preferred) THEN 'no_answer' END) AS unfit,
        CASE origin WHEN 'human' THEN 1 ELSE 2 END AS origin
    FROM corrections JOIN answers USING (interaction_id)
),

filtered AS (
    SELECT
        *,
        coalesce(unfit, CASE
            WHEN NOT reaches(reward, $min_reward) THEN 'low_reward'
            WHEN unsure THEN 'uncertain_reward'
        END) AS filtered_by
    FROM offers
),

best AS (
    SELECT
        prompt,
        arg_min(
            {'number': number, 'feedback_id': feedback_id, 'expected': expected},
            (origin, -expected, answer_chars, -epoch_us(answered_at), number, feedback_id)
        ) AS offer
    FROM filtered
    WHERE filtered_by IS NULL
    GROUP BY prompt
),

selected AS (
    SELECT
        prompt,
        offer
    FROM best
    ORDER BY offer.expected DESC, prompt LIMIT $max_samples
)

SELECT
    number,
    feedback_id,
    prompt,
    ['human', 'teacher', 'log'][origin] AS origin,
    reward,
    coalesce(filtered_by, CASE
        WHEN best.offer.number <> number OR best.offer.feedback_id IS DISTINCT FROM feedback_id THEN 'not_the_best'
        WHEN selected.prompt IS NULL THEN 'over_max_samples'
    END) AS reason
FROM filtered LEFT JOIN best USING (prompt) LEFT JOIN selected USING (prompt)
