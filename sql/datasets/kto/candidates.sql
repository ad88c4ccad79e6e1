-- Every answer and every correction as a single good or bad example, with why it is none, or NULL in `reason`. An
-- answer that was cut off is no good example. A synthetic reward is good from four stars on at least, and bad up to two
-- at most. A text that was rated bad and given as a correction of an answer to one prompt is neither; of equal texts
-- the first stays.
-- Reads: answers, statements.
-- Parameters: $bad_to, $good_from, $max_samples.
WITH offers AS (
    SELECT
        number,
        cast(NULL AS VARCHAR) AS feedback_id,
        prompt,
        text,
        reward,
        reward_source,
        cut_off,
        unfit
    FROM answers
    UNION ALL BY NAME
    SELECT
        number,
        feedback_id,
        prompt,
        short_key(answer_key(preferred)) AS text,
        1.0 AS reward,
        source AS reward_source,
        FALSE AS cut_off,
        coalesce(prompt_fault, CASE WHEN is_empty_answer(preferred) THEN 'no_answer' END) AS unfit
    FROM statements JOIN answers USING (interaction_id)
    WHERE kind = 'correction'
),

labelled AS (
    SELECT
        * EXCLUDE (unfit),
        CASE
            WHEN reaches(reward, greatest($good_from, CASE reward_source WHEN 'synthetic' THEN 0.75 ELSE 0 END))
                THEN TRUE
            WHEN reaches(least($bad_to, CASE reward_source WHEN 'synthetic' THEN 0.25 ELSE 1 END), reward) THEN FALSE
        END AS label,
        coalesce(unfit, CASE WHEN cut_off AND label THEN 'cut_off' END) AS unfit
    FROM offers
),

repeated AS (
    SELECT
        prompt,
        text,
        bool_or(label) AND NOT bool_and(label) AS contradictory,
        arg_min({'number': number, 'feedback_id': feedback_id}, (feedback_id IS NULL, feedback_id, number))
        FILTER (label IS NOT NULL) AS kept
    FROM labelled
    WHERE unfit IS NULL
    GROUP BY ALL
    HAVING count(*) > 1
),

filtered AS (
    SELECT
        labelled.*,
        coalesce(unfit, CASE
            WHEN label IS NULL THEN 'undecided'
            WHEN contradictory THEN 'contradiction'
            WHEN
                kept.number <> number OR kept.feedback_id IS DISTINCT FROM feedback_id AND kept IS NOT NULL
                THEN 'repeated'
        END) AS filtered_by
    FROM labelled LEFT JOIN repeated USING (prompt, text)
),

selected AS (
    SELECT
        number,
        feedback_id
    FROM filtered
    WHERE filtered_by IS NULL
    ORDER BY abs(reward - 0.5) DESC, prompt, number, feedback_id LIMIT $max_samples
)

SELECT
    filtered.* EXCLUDE (text, reward_source, cut_off, unfit, filtered_by),
    coalesce(filtered_by, CASE WHEN selected.number IS NULL THEN 'over_max_samples' END) AS reason
FROM filtered LEFT JOIN selected
    ON selected.number = filtered.number AND selected.feedback_id IS NOT DISTINCT FROM filtered.feedback_id
