-- Every answer that could join a group of answers to one prompt, with why it does not, or NULL in `reason`.
-- A group has one prompt and one reward source; of more than $group_size answers those are taken that lie evenly over
-- the sorted rewards, the best and the worst included, unless $selection says otherwise. Reads `answers`.
WITH filtered AS (
    SELECT *, coalesce(unfit, CASE
        WHEN row_number() OVER (PARTITION BY prompt_key, reward_source, answer_key, unfit
                                ORDER BY reward DESC, interaction_id) > 1 THEN 'repeated'
        END) AS filtered_by
    FROM answers
),
ranked AS (
    SELECT *,
        row_number() OVER (PARTITION BY prompt_key, reward_source, filtered_by IS NULL
                           ORDER BY CASE WHEN $selection = 'random' THEN sha256(interaction_id) END, reward DESC,
                               interaction_id) - 1 AS place,
        count(*) OVER (PARTITION BY prompt_key, reward_source, filtered_by IS NULL) AS size
    FROM filtered
),
strata AS (
    SELECT *, coalesce(filtered_by, CASE
        WHEN size < $min_group_size THEN 'too_few_answers'
        WHEN NOT CASE WHEN $selection = 'stratified' THEN spread(place, size, $group_size) ELSE place < $group_size END
        THEN 'over_group_size'
        END) AS set_aside
    FROM ranked
)
SELECT interaction_id, CAST(NULL AS VARCHAR) AS feedback_id, landed_day, prompt_key, cluster_key, split, segment, category, agent,
    reward, reward_source, stddev_pop(reward) OVER one_group AS sd,
    coalesce(set_aside, CASE
        WHEN NOT reaches(max(reward) OVER one_group, $failed_below) THEN 'all_failed'
        WHEN NOT reaches(stddev_pop(reward) OVER one_group, $min_sd) THEN 'no_signal' END) AS reason
FROM strata
WINDOW one_group AS (PARTITION BY prompt_key, reward_source, set_aside IS NULL)
