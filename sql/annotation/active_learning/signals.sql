-- Why a pair of answers, or an answer alone (its `high_id` is null), is worth a person's look: judges against rewards,
-- judges against people's thumbs, judges against one another, and a group that a judge ordered differently when it saw
-- it in another order. `strength` is how far they are apart: differences of scores in [0, 1], a preference counts as 1.
-- Reads: interactions, judge_preferences, rated, verdicts.
-- Parameters: $gap.
WITH scores AS (
    SELECT
        interaction_id,
        avg(value) AS score
    FROM verdicts
    WHERE source = 'judge'
    GROUP BY interaction_id
    UNION ALL
    SELECT
        interaction_id,
        any_value(quality_scores['overall'])
    FROM interactions
    WHERE
        quality_scores['overall'] IS NOT NULL
        AND interaction_id NOT IN (
            SELECT verdicts.interaction_id FROM verdicts
            WHERE verdicts.source = 'judge'
        )
    GROUP BY interaction_id
),

answers AS (
    SELECT
        interaction_id,
        prompt_key,
        answer_key,
        CASE WHEN reward_source IN ('human', 'verifier') THEN reward END AS reward,
        reward_source,
        score
    FROM rated LEFT JOIN scores USING (interaction_id)
    WHERE split = 'train' AND representative AND answer_chars > 0 AND NOT coalesce(error, FALSE)
    QUALIFY row_number() OVER (PARTITION BY prompt_key ORDER BY md5(interaction_id)) <= 6
),

pairs AS (
    SELECT
        one.interaction_id AS low_id,
        other.interaction_id AS high_id,
        one.reward - other.reward AS reward_gap,
        'human' IN (one.reward_source, other.reward_source) AS by_people,
        one.score - other.score AS score_gap
    FROM answers AS one JOIN answers AS other
        ON
            one.prompt_key = other.prompt_key
            AND one.interaction_id < other.interaction_id
            AND one.answer_key <> other.answer_key
),

preferences AS (
    SELECT
        least(preferred_id, rejected_id) AS low_id,
        greatest(preferred_id, rejected_id) AS high_id,
        CASE WHEN preferred_id < rejected_id THEN 1.0 ELSE -1.0 END AS choice,
        model
    FROM judge_preferences
),

chosen AS (
    SELECT
        low_id,
        high_id,
        avg(choice) AS mean_choice,
        min(choice) <> max(choice) AS is_split
    FROM preferences
    GROUP BY low_id, high_id
),

opinions AS (
    SELECT
        low_id,
        high_id,
        reward_gap,
        score_gap,
        mean_choice,
        coalesce(by_people, FALSE) AS by_people,
        coalesce(is_split, FALSE) AS is_split
    FROM pairs LEFT JOIN chosen USING (low_id, high_id)
),

signals AS (
    SELECT
        low_id,
        high_id,
        CASE WHEN by_people THEN 'thumbs_against_judge' ELSE 'judge_against_reward' END AS reason,
        abs(reward_gap) + abs(score_gap) AS strength
    FROM opinions
    WHERE reward_gap * score_gap < 0 AND least(abs(reward_gap), abs(score_gap)) >= $gap
    UNION ALL
    SELECT
        low_id,
        high_id,
        CASE WHEN by_people THEN 'thumbs_against_judge' ELSE 'judge_against_reward' END,
        abs(reward_gap) + 1
    FROM opinions
    WHERE reward_gap * mean_choice < 0 AND abs(reward_gap) >= $gap
    UNION ALL
    SELECT
        low_id,
        high_id,
        'judges_disagree',
        CASE WHEN is_split THEN 2 ELSE abs(score_gap) + 1 END
    FROM opinions
    WHERE is_split OR (score_gap * mean_choice < 0 AND abs(score_gap) >= $gap)
    UNION ALL
    SELECT
        interaction_id,
        NULL,
        'judge_against_reward',
        abs(reward - score)
    FROM answers
    WHERE reward_source = 'verifier' AND abs(reward - score) >= 0.5
)

SELECT
    low_id,
    high_id,
    list_sort(list_distinct(list(reason))) AS reasons,
    max(strength) AS strength
FROM signals
GROUP BY low_id, high_id
ORDER BY low_id, high_id
