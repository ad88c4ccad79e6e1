-- What named raters said of one answer, or of one pair of answers, if two or more of them did, by segment, agent and
-- adapter. A value above one half is a vote for the answer, `first`; a pair's votes are for the answer with the lower
-- key. A pair counts for both of its answers. At most $max_items items are read.
-- Reads: first_feedback, rated, verdicts.
-- Parameters: $max_items.
WITH of_answers AS (
    SELECT
        interaction_id AS answer_id,
        'answer' AS item,
        CASE WHEN value > 0.5 THEN 'first' WHEN value < 0.5 THEN 'second' ELSE 'tie' END AS vote,
        voter AS rater
    FROM verdicts
    WHERE source = 'human' AND voter <> feedback_id
    QUALIFY row_number() OVER (
        PARTITION BY interaction_id, voter ORDER BY given_at DESC, day DESC, position DESC NULLS LAST, feedback_id DESC
    ) = 1
),

compared AS (
    SELECT
        one.interaction_id AS one_id,
        other.interaction_id AS other_id,
        least(one.answer_key, other.answer_key) AS low,
        greatest(one.answer_key, other.answer_key) AS high,
        answer_key(preferred) AS better,
        rater,
        given_at,
        feedback_id,
        kind
    FROM first_feedback JOIN rated AS one USING (interaction_id)
    JOIN rated AS other ON other.interaction_id = other_interaction_id AND other.prompt_key = one.prompt_key
    WHERE kind IN ('preference', 'tie') AND source = 'human' AND rater IS NOT NULL
),

of_pairs AS (
    SELECT
        unnest([one_id, other_id]) AS answer_id,
        concat(low, high) AS item,
        CASE WHEN kind = 'tie' THEN 'tie' WHEN better = low THEN 'first' ELSE 'second' END AS vote,
        rater
    FROM compared
    WHERE low <> high AND (kind = 'tie' OR better IN (low, high))
    QUALIFY row_number() OVER (PARTITION BY low, high, rater ORDER BY given_at DESC, feedback_id DESC) = 1
),

votes AS (
    SELECT DISTINCT
        coalesce(segment, '(none)') AS segment,
        coalesce(agent, '(none)') AS agent,
        adapter,
        prompt_key,
        CASE item WHEN 'answer' THEN answer_id ELSE item END AS item,
        votes.rater,
        vote
    FROM (
        FROM of_answers
        UNION ALL BY NAME
        FROM of_pairs
    ) AS votes JOIN rated ON rated.interaction_id = answer_id
)

SELECT
    segment,
    agent,
    adapter,
    prompt_key,
    list(vote ORDER BY rater) AS votes
FROM votes
GROUP BY segment, agent, adapter, prompt_key, item
HAVING count(*) > 1
ORDER BY ALL
LIMIT $max_items
