-- Who preferred which of two answers to one prompt, people and judges of the log: by the values that one rater (or
-- judge) gave to both, or as a stated preference or tie. People without a name are one rater, of their mean value.
-- At most $max_answers answers of a prompt are paired, by their hash. `first` is the answer with the lower key.
-- Reads: first_feedback, interactions, rated.
-- Parameters: $max_answers, $max_pairs.
WITH statements AS (
    SELECT
        interaction_id,
        source,
        coalesce(rater, '') AS rater,
        value
    FROM first_feedback
    WHERE value IS NOT NULL AND dimension = 'overall' AND source IN ('human', 'judge')
    QUALIFY row_number() OVER (
        PARTITION BY interaction_id, source, coalesce(rater, feedback_id) ORDER BY given_at DESC, feedback_id
    ) = 1
),

scored AS (
    SELECT
        interaction_id,
        source,
        rater,
        avg(value) AS value
    FROM statements
    GROUP BY ALL
    UNION ALL
    SELECT
        interactions.interaction_id,
        'judge',
        '',
        quality_scores['overall']
    FROM interactions JOIN rated
        ON rated.interaction_id = interactions.interaction_id AND rated.landed_day = interactions.day
    WHERE
        quality_scores['overall'] IS NOT NULL
        AND interactions.interaction_id NOT IN (
            SELECT interaction_id FROM statements
            WHERE source = 'judge'
        )
),

opinions AS (
    SELECT
        prompt_key,
        short_key(rated.answer_key) AS answer_key,
        source,
        rater,
        avg(value) AS value
    FROM scored JOIN rated USING (interaction_id)
    WHERE answer_chars > 0
    GROUP BY prompt_key, rated.answer_key, source, rater
    QUALIFY dense_rank() OVER (PARTITION BY prompt_key ORDER BY short_key(rated.answer_key)) <= $max_answers
),

votes AS (
    SELECT
        prompt_key,
        a.answer_key AS first_key,
        b.answer_key AS second_key,
        source,
        rater,
        CASE WHEN abs(a.value - b.value) < 1e-9 THEN 'tie' WHEN a.value > b.value THEN 'first' ELSE 'second' END AS vote
    FROM opinions AS a JOIN opinions AS b USING (prompt_key, source, rater)
    WHERE a.answer_key < b.answer_key
    UNION ALL
    SELECT
        prompt_key,
        least(better, worse),
        greatest(better, worse),
        source,
        rater,
        CASE WHEN better < worse THEN 'first' ELSE 'second' END
    FROM (
        SELECT
            rated.prompt_key,
            short_key(answer_key(preferred)) AS better,
            short_key(answer_key(rejected)) AS worse,
            first_feedback.source,
            coalesce(rater, first_feedback.feedback_id) AS rater
        FROM first_feedback JOIN rated USING (interaction_id)
        WHERE kind = 'preference' AND first_feedback.source IN ('human', 'judge')
    )
    WHERE better <> worse
    UNION ALL
    SELECT
        rated.prompt_key,
        least(short_key(rated.answer_key), short_key(other.answer_key)),
        greatest(short_key(rated.answer_key), short_key(other.answer_key)),
        first_feedback.source,
        coalesce(rater, first_feedback.feedback_id),
        'tie'
    FROM first_feedback JOIN rated USING (interaction_id)
    JOIN rated AS other
        ON
            other.interaction_id = first_feedback.other_interaction_id AND other.prompt_key = rated.prompt_key
            AND other.answer_key <> rated.answer_key
    WHERE kind = 'tie' AND first_feedback.source IN ('human', 'judge')
)

SELECT
    prompt_key,
    first_key,
    second_key,
    list(vote ORDER BY rater, vote) FILTER (source = 'human') AS people,
    list(vote ORDER BY rater, vote) FILTER (source = 'human' AND rater <> '') AS named,
    list(vote ORDER BY rater, vote) FILTER (source = 'judge') AS judges
FROM votes
GROUP BY ALL
HAVING (len(people) > 0 AND len(judges) > 0) OR len(named) >= 3
ORDER BY ALL
LIMIT $max_pairs
