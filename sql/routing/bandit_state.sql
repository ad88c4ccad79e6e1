-- What the window's answers say of every arm of a segment in every category of it, as known by the end of $day. An
-- answer counts once, for the arm that was assigned, whoever answered after a fallback; not at all if the caller named
-- the arm. Its category is the log's, else that of the first question of its conversation. `won` and `lost` are sums of
-- rewards and of what they lack of 1, of which each counts $discount for every day of its age. Declared arms and
-- categories have rows before their first answer; an agent that is declared stands for its arms of the log.
-- `asked_*` are answers older than $horizon_days, which had time to be rewarded. An arm fails if more than 10 of its
-- last 50 answers failed or fell back on another arm. It is new below 30 rewards, if another had 30 when it arrived.
-- Reads: interactions, rated.
-- Parameters: $arms, $categories, $day, $discount, $horizon_days.
WITH asked AS (
    SELECT
        rated.interaction_id,
        category_of(first_question(prompt)) AS asked_category
    FROM rated JOIN interactions
        ON interactions.interaction_id = rated.interaction_id AND interactions.day = rated.landed_day
    WHERE rated.category IS NULL
),

incidents AS (
    SELECT
        day AS landed_day,
        interaction_id,
        -- Of a caller who left, the arm is not to blame.
        fallback_reason IS NOT NULL AS failed_over
    FROM interactions
    WHERE fallback_reason IS NOT NULL OR error_message = 'client_gone'
),

counted AS (
    SELECT
        segment,
        coalesce(category, asked_category) AS category,
        arm_of(assigned_arm, agent, adapter) AS arm,
        interaction_id,
        answered_at,
        reward,
        coalesce(failed_over, error, FALSE) AS failed,
        date_diff('day', cast(answered_at AS DATE), cast($day AS DATE)) AS age,
        pow(cast($discount AS DOUBLE), age) AS weight
    FROM rated LEFT JOIN asked USING (interaction_id) LEFT JOIN incidents USING (interaction_id, landed_day)
    WHERE drawn IS DISTINCT FROM FALSE AND arm_of(assigned_arm, agent, adapter) IS NOT NULL
),

-- Sums of decimals do not depend on the order of rows.
counts AS (
    SELECT
        segment,
        category,
        arm,
        count(*) AS answers,
        count(reward) AS rewarded,
        sum(cast(reward AS DECIMAL(18, 9))) AS reward_sum,
        sum(cast(weight * reward AS DECIMAL(18, 15))) AS won,
        sum(cast(weight * (1 - reward) AS DECIMAL(18, 15))) AS lost,
        count(*) FILTER (age > $horizon_days) AS asked_answers,
        count(reward) FILTER (age > $horizon_days) AS asked_rewarded
    FROM counted
    GROUP BY ALL
),

arms_of_log AS (
    SELECT
        segment,
        arm,
        min(answered_at) AS arrived_at,
        count(reward) AS rewarded,
        (min(answered_at, 30) FILTER (WHERE reward IS NOT NULL))[30] AS known_at,
        len(list_filter(arg_max(failed, (answered_at, interaction_id), 50), LAMBDA each: each)) > 10 AS failing
    FROM counted
    GROUP BY ALL
),

segments AS (
    SELECT
        segment,
        min(known_at) AS known_at
    FROM arms_of_log
    GROUP BY segment
    UNION ALL
    SELECT
        NULL,
        NULL
    WHERE NOT EXISTS (SELECT 1 FROM arms_of_log)
),

declared AS (
    SELECT DISTINCT coalesce(arms_of_log.arm, name) AS arm
    FROM (SELECT unnest(cast($arms AS VARCHAR[])) AS name) AS names
    LEFT JOIN arms_of_log ON arms_of_log.arm = name OR starts_with(arms_of_log.arm, concat(name, '@'))
),

arms AS (
    SELECT
        segment,
        arm
    FROM arms_of_log
    UNION
    SELECT
        segment,
        arm
    FROM segments CROSS JOIN declared
),

categories AS (
    SELECT
        segment,
        category
    FROM counts
    UNION
    SELECT
        segment,
        unnest(cast($categories AS VARCHAR[])) AS category
    FROM segments
)

SELECT
    segments.segment,
    categories.category,
    arms.arm,
    coalesce(answers, 0) AS answers,
    coalesce(counts.rewarded, 0) AS rewarded,
    cast(coalesce(reward_sum, 0) AS DOUBLE) AS reward_sum,
    cast(coalesce(won, 0) AS DOUBLE) AS won,
    cast(coalesce(lost, 0) AS DOUBLE) AS lost,
    coalesce(asked_answers, 0) AS asked_answers,
    coalesce(asked_rewarded, 0) AS asked_rewarded,
    coalesce(failing, FALSE) AS failing,
    coalesce(
        coalesce(arms_of_log.rewarded, 0) < 30
        AND segments.known_at < coalesce(arrived_at, cast($day AS DATE) + INTERVAL 1 DAY), FALSE
    ) AS is_new
FROM segments
JOIN arms ON arms.segment IS NOT DISTINCT FROM segments.segment
JOIN categories ON categories.segment IS NOT DISTINCT FROM segments.segment
LEFT JOIN arms_of_log ON arms_of_log.segment IS NOT DISTINCT FROM arms.segment AND arms_of_log.arm = arms.arm
LEFT JOIN counts
    ON
        counts.segment IS NOT DISTINCT FROM arms.segment
        AND counts.category = categories.category
        AND counts.arm = arms.arm
ORDER BY segments.segment NULLS FIRST, categories.category, arms.arm
