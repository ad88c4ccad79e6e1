-- Every answer that could join a group of answers to one prompt, with why it does not, or NULL in `reason`. A group has
-- one prompt and one reward source, and no answer that was cut off; of more than $group_size answers those are selected
-- that lie evenly over the sorted rewards, the best and the worst included, unless $selection says otherwise. Rewards
-- that are not of $sources make no group.
-- Reads: answers.
-- Parameters: $failed_below, $group_size, $min_group_size, $min_sd, $selection, $sources.
WITH scored AS (
    SELECT
        * EXCLUDE (unfit),
        coalesce(
            unfit, CASE WHEN NOT list_contains($sources, reward_source) THEN reward_source || '_not_asked_for' END
        ) AS unfit
    FROM answers
),

ranked AS (
    SELECT
        number,
        prompt,
        reward_source,
        reward,
        row_number() OVER (
            PARTITION BY prompt, reward_source
            ORDER BY CASE WHEN $selection = 'random' THEN sha256(interaction_id) END, reward DESC, number
        ) - 1 AS position,
        count(*) OVER (PARTITION BY prompt, reward_source) AS size
    FROM scored
    WHERE unfit IS NULL AND NOT cut_off
),

strata AS (
    SELECT
        *,
        CASE
            WHEN size < $min_group_size THEN 'too_few_answers'
            WHEN
                NOT CASE
                    WHEN $selection = 'stratified' THEN spread(position, size, $group_size) ELSE position < $group_size
                END
                THEN 'over_group_size'
        END AS set_aside
    FROM ranked
),

groups AS (
    SELECT
        prompt,
        reward_source,
        stddev_pop(reward) AS sd,
        max(reward) AS best
    FROM strata
    WHERE set_aside IS NULL
    GROUP BY ALL
),

checked AS (
    SELECT
        number,
        sd,
        coalesce(set_aside, CASE
            WHEN NOT reaches(best, $failed_below) THEN 'all_failed'
            WHEN NOT reaches(sd, $min_sd) THEN 'no_signal'
        END) AS reason
    FROM strata LEFT JOIN groups USING (prompt, reward_source)
)

SELECT
    number,
    cast(NULL AS VARCHAR) AS feedback_id,
    prompt,
    scored.reward_source,
    scored.reward,
    sd,
    coalesce(unfit, CASE WHEN cut_off THEN 'cut_off' END, reason) AS reason
FROM scored LEFT JOIN checked USING (number)
