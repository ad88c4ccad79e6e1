-- Rewards that the newest `bandit_state` does not hold yet, by segment, category and arm; the arm is null of answers
-- that nobody knows. An answer counts once, with the mean over raters of their latest value, as in the state. `acts`
-- are feedback ids, `rewarded` answers without a reward in the state, `changed` those that had one. Nothing counts if
-- the caller named the arm.
-- Reads: interactions, newest_rated, own_answers, waiting_acts.
-- Parameters: none.
WITH latest AS (
    SELECT
        interaction_id,
        value,
        count(*) OVER (PARTITION BY interaction_id) AS acts
    FROM waiting_acts
    QUALIFY row_number() OVER (PARTITION BY interaction_id, voter ORDER BY given_at DESC, position DESC) = 1
),

rewards AS (
    SELECT
        interaction_id,
        avg(value) AS reward,
        max(acts) AS acts
    FROM latest
    GROUP BY interaction_id
),

landed AS (
    SELECT
        interaction_id,
        segment,
        coalesce(category, category_of(first_question(prompt))) AS category,
        arm_of(assigned_arm, agent, adapter) AS arm,
        drawn
    FROM interactions
    WHERE interaction_id IN (SELECT rewards.interaction_id FROM rewards)
    QUALIFY row_number() OVER (PARTITION BY interaction_id ORDER BY day) = 1
),

known AS (
    SELECT * FROM landed
    UNION ALL BY NAME
    SELECT * FROM own_answers
    WHERE interaction_id NOT IN (SELECT landed.interaction_id FROM landed)
)

SELECT
    known.segment,
    known.category,
    known.arm,
    cast(sum(rewards.acts) AS BIGINT) AS acts,
    count(*) FILTER (rated.reward IS NULL) AS rewarded,
    coalesce(sum(rewards.reward) FILTER (rated.reward IS NULL), 0) AS reward_sum,
    count(*) FILTER (rated.reward IS NOT NULL) AS changed
FROM rewards
LEFT JOIN known ON rewards.interaction_id = known.interaction_id
LEFT JOIN newest_rated AS rated ON rewards.interaction_id = rated.interaction_id
WHERE known.drawn IS DISTINCT FROM FALSE
GROUP BY known.segment, known.category, known.arm
ORDER BY known.segment NULLS FIRST, known.category, known.arm
