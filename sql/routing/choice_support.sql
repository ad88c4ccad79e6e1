-- One row per segment, category and arm: how often it was drawn, and could have been. The sum of 1 / propensity over
-- its answers is about the category's number of answers, if the propensities are true: `deviation` is the difference
-- in standard errors, with a session as the unit. What is missing may have been as unlikely as the least likely choice
-- of the category, so that few draws of an arm that was hardly ever likely prove nothing. `possible` counts answers
-- whose logged `arms` gave it a probability. Sums are of decimals: the order of rows does not matter.
-- Reads: choices.
-- Parameters: none.
WITH usable AS (
    SELECT
        *,
        cast(least(1 / propensity, 1e9) AS DECIMAL(38, 9)) AS inverse
    FROM choices
    WHERE propensity > 0 AND propensity <= 1
),

by_arm AS (
    SELECT
        segment,
        category,
        session,
        arm,
        count(*) AS answers,
        sum(inverse) AS inverse,
        min(propensity) AS min_propensity,
        max(propensity) AS max_propensity
    FROM usable
    GROUP BY ALL
),

by_session AS (
    SELECT
        segment,
        category,
        session,
        sum(answers) AS answers
    FROM by_arm
    GROUP BY ALL
),

totals AS (
    SELECT
        segment,
        category,
        sum(answers) AS answers,
        sum(answers * answers) AS squares
    FROM by_session
    GROUP BY ALL
),

drawn AS (
    SELECT
        by_arm.segment,
        by_arm.category,
        by_arm.arm,
        sum(by_arm.answers) AS answers,
        cast(sum(by_arm.inverse) AS DOUBLE) AS inverse,
        -- Every session without the arm differs by as many answers as it has: that part is `squares`.
        cast(sum(
            cast(
                (cast(by_arm.inverse AS DOUBLE) - by_session.answers) ** 2 - by_session.answers ** 2 AS DECIMAL(38, 6)
            )
        ) AS DOUBLE) AS variance,
        min(by_arm.min_propensity) AS min_propensity,
        max(by_arm.max_propensity) AS max_propensity
    FROM by_arm JOIN by_session USING (segment, category, session)
    GROUP BY ALL
),

logged AS (
    SELECT
        segment,
        category,
        arms,
        count(*) AS answers
    FROM usable
    WHERE arms IS NOT NULL
    GROUP BY ALL
),

stated AS (
    SELECT
        segment,
        category,
        answers,
        unnest(map_entries(cast(cast(arms AS JSON) AS MAP (VARCHAR, DOUBLE)))) AS entry
    FROM logged
),

possible AS (
    SELECT
        segment,
        category,
        entry.key AS arm,
        sum(answers) AS answers,
        min(entry.value) AS min_propensity,
        max(entry.value) AS max_propensity
    FROM stated
    WHERE entry.value > 0
    GROUP BY ALL
),

with_arms AS (
    SELECT
        segment,
        category,
        sum(answers) AS answers
    FROM logged
    GROUP BY ALL
),

arms AS (
    SELECT
        segment,
        category,
        arm,
        totals.answers AS category_answers,
        coalesce(drawn.answers, 0) AS answers,
        coalesce(with_arms.answers, 0) AS answers_with_arms,
        coalesce(possible.answers, 0) AS possible,
        coalesce(drawn.inverse, 0) - totals.answers AS difference,
        totals.squares + coalesce(drawn.variance, 0) AS variance,
        least(drawn.min_propensity, possible.min_propensity) AS min_propensity,
        greatest(drawn.max_propensity, possible.max_propensity) AS max_propensity,
        totals.squares / totals.answers * greatest(0, -difference)
        * (1 / min(least(drawn.min_propensity, possible.min_propensity)) OVER (PARTITION BY segment, category) - 1)
            AS unseen_variance
    FROM drawn FULL JOIN possible USING (segment, category, arm)
    JOIN totals USING (segment, category)
    LEFT JOIN with_arms USING (segment, category)
)

SELECT
    segment,
    category,
    arm,
    category_answers,
    answers,
    answers_with_arms,
    possible,
    difference / nullif(sqrt(greatest(0, variance + unseen_variance)), 0) AS deviation,
    min_propensity,
    max_propensity
FROM arms
ORDER BY segment, category, arm
