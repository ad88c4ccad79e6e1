-- Every answer and every correction as a single good or bad example, with why it is none, or NULL in `reason`.
-- A text that was found both good and bad as an answer to one prompt is neither; of equal texts the first stays.
-- Reads `answers`, `rated` and `first_feedback`.
WITH offers AS (
    SELECT interaction_id, CAST(NULL AS VARCHAR) AS feedback_id, prompt_key, answer_key, reward, unfit
    FROM answers
    UNION ALL BY NAME
    SELECT interaction_id, feedback_id, prompt_key, answer_key(preferred) AS answer_key, 1.0 AS reward,
        coalesce(prompt_fault, CASE WHEN stripped(preferred) = '' THEN 'no_answer' END) AS unfit
    FROM first_feedback JOIN rated USING (interaction_id)
    WHERE kind = 'correction'
),
labelled AS (
    SELECT *, CASE WHEN reaches(reward, $good_from) THEN true WHEN reaches($bad_to, reward) THEN false END AS label
    FROM offers
),
filtered AS (
    SELECT *, coalesce(unfit, CASE
        WHEN label IS NULL THEN 'undecided'
        WHEN count(*) FILTER (label) OVER same_text > 0 AND count(*) FILTER (NOT label) OVER same_text > 0
        THEN 'contradiction'
        WHEN row_number() OVER (PARTITION BY prompt_key, answer_key, unfit IS NULL, label
                                ORDER BY feedback_id DESC, interaction_id) > 1 THEN 'repeated'
        END) AS filtered_by
    FROM labelled
    WINDOW same_text AS (PARTITION BY prompt_key, answer_key, unfit IS NULL)
)
SELECT interaction_id, feedback_id, prompt_key, label, reward, coalesce(filtered_by, CASE
    WHEN row_number() OVER (PARTITION BY filtered_by IS NULL
                            ORDER BY abs(reward - 0.5) DESC, prompt_key, interaction_id, feedback_id) > $max_samples
    THEN 'over_max_samples' END) AS reason
FROM filtered
