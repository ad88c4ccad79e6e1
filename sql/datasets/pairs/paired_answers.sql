-- The answers that pairs are made of, at most $max_answers per prompt and reward source, evenly over their sorted
-- rewards; with their positions from the best down. An answer that failed is none: it may be half of one. Narrow,
-- because it is joined with itself.
-- Reads: answers, statements.
-- Parameters: $max_answers, $strategies.
WITH ranked AS (
    SELECT
        number,
        prompt,
        text,
        reward,
        reward_source,
        answer_chars,
        raters,
        cut_off,
        prompt_fault,
        row_number() OVER (PARTITION BY prompt, reward_source ORDER BY reward DESC, answer_chars, number)
        - 1 AS position,
        count(*) OVER (PARTITION BY prompt, reward_source) AS size
    FROM answers
    WHERE
        NOT error AND reward IS NOT NULL AND answer_chars > 0 AND representative
        AND NOT coalesce(unfit LIKE '%_not_asked_for' OR unfit = 'synthetic_held_out', FALSE)
),

spreads AS (
    SELECT
        prompt,
        reward_source,
        avg(reward) - 2 * stddev_pop(reward) AS low_reward
    FROM ranked
    WHERE size >= 8 AND list_contains($strategies, 'mu2s')
    GROUP BY ALL
),

lows AS (
    SELECT arg_min(number, (abs(reward - low_reward), number)) AS number
    FROM ranked JOIN spreads USING (prompt, reward_source)
    GROUP BY prompt, reward_source
)

SELECT
    *,
    number IN (SELECT lows.number FROM lows) AS is_low,
    list_contains($strategies, 'ratings')
    AND (prompt, text) IN (
        SELECT (answers.prompt, answers.text) FROM answers JOIN statements USING (interaction_id)
        WHERE kind = 'rating'
    ) AS stars
FROM ranked
WHERE spread(position, size, $max_answers)
