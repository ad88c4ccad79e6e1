-- Every answer that could join a group, with why it does not, or NULL in `reason`: in groups by rewards (`rewarded`),
-- and, with $ruler, in groups whose answers a judge scored relative to each other, where rewards make no group of the
-- prompt. Such scores compare inside their group only: there is no minimum of the best one. Of more than $group_size
-- answers those are selected that lie evenly over the sorted scores.
-- Reads: answers, rewarded, ruler_groups.
-- Parameters: $group_size, $min_group_size, $min_sd, $ruler.
WITH scored AS (
    SELECT
        number,
        prompt,
        concat_ws(':', 'ruler', model, rubric_sha256) AS scorer,
        score,
        row_number() OVER (PARTITION BY prompt ORDER BY score DESC, number) - 1 AS position,
        count(*) OVER (PARTITION BY prompt) AS group_answers
    FROM ruler_groups JOIN answers USING (interaction_id)
    WHERE
        $ruler AND NOT cut_off AND representative AND prompt_fault IS NULL AND answer_chars > 0
        AND coalesce(unfit, '') <> 'error'
        AND prompt NOT IN (
            SELECT rewarded.prompt FROM rewarded
            WHERE rewarded.reason IS NULL
        )
),

kept AS (
    SELECT
        number,
        prompt,
        scorer,
        score,
        CASE
            WHEN group_answers < $min_group_size THEN 'too_few_answers'
            WHEN NOT spread(position, group_answers, $group_size) THEN 'over_group_size'
        END AS set_aside
    FROM scored
),

ruled AS (
    SELECT
        number,
        scorer,
        score,
        stddev_pop(score) FILTER (set_aside IS NULL) OVER (PARTITION BY prompt) AS sd,
        coalesce(set_aside, CASE WHEN NOT reaches(sd, $min_sd) THEN 'no_signal' END) AS reason
    FROM kept
)

SELECT
    rewarded.number,
    rewarded.feedback_id,
    rewarded.prompt,
    coalesce(ruled.scorer, rewarded.reward_source) AS reward_source,
    coalesce(ruled.score, rewarded.reward) AS reward,
    CASE WHEN ruled.number IS NULL THEN rewarded.sd ELSE ruled.sd END AS sd,
    CASE WHEN ruled.number IS NULL THEN rewarded.reason ELSE ruled.reason END AS reason
FROM rewarded LEFT JOIN ruled USING (number)
