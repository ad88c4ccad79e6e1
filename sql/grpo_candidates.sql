-- Every answer that could join a group of answers to one prompt, with why it does not, or NULL in `reason`.
-- A group has one prompt and one reward source; of more than $group_size answers those are taken that lie evenly over
-- the sorted rewards, the best and the worst included. Reads `rated`.
WITH filtered AS (
    SELECT *, CASE
        WHEN error THEN 'error'
        WHEN NOT trainable THEN 'untrainable_prompt'
        WHEN answer_chars = 0 THEN 'no_answer'
        WHEN reward IS NULL THEN 'no_reward'
        WHEN row_number() OVER (PARTITION BY prompt_key, reward_source, answer_key, error
                                ORDER BY reward DESC, interaction_id) > 1 THEN 'repeated'
        END AS filtered_by
    FROM rated
),
ranked AS (
    SELECT *,
        row_number() OVER (PARTITION BY prompt_key, reward_source, filtered_by IS NULL
                           ORDER BY reward DESC, interaction_id) - 1 AS place,
        count(*) OVER (PARTITION BY prompt_key, reward_source, filtered_by IS NULL) AS size
    FROM filtered
),
strata AS (
    SELECT *, coalesce(filtered_by, CASE
        WHEN size < $min_group_size THEN 'too_few_answers'
        WHEN NOT list_contains(list_transform(range($group_size),
            lambda step: CAST(round(step * (size - 1) / ($group_size - 1)) AS BIGINT)), place) THEN 'over_group_size'
        END) AS set_aside
    FROM ranked
)
SELECT interaction_id, landed_day, prompt_key, split, segment, category, agent, reward, reward_source,
    stddev_pop(reward) OVER one_group AS sd,
    coalesce(set_aside, CASE WHEN NOT reaches(stddev_pop(reward) OVER one_group, $min_sd) THEN 'no_signal' END) AS reason
FROM strata
WINDOW one_group AS (PARTITION BY prompt_key, reward_source, set_aside IS NULL)
