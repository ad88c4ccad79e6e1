-- What people wrote about answers that they found bad or good, with personal data replaced: comments with a value of
-- their own, or else with the latest value that the same person gave the answer, or else with its reward by people.
-- Reads: first_feedback, rated, verdicts.
-- Parameters: $max_rows.
WITH values_of_people AS (
    SELECT
        interaction_id,
        voter,
        last(value ORDER BY given_at, feedback_id) AS value
    FROM verdicts
    WHERE source = 'human'
    GROUP BY interaction_id, voter
),

comments AS (
    SELECT
        first_feedback.feedback_id,
        first_feedback.comment,
        coalesce(first_feedback.rater, first_feedback.feedback_id) AS person,
        coalesce(
            CASE WHEN kind IN ('thumbs', 'rating', 'reward') THEN first_feedback.value END,
            own.value,
            CASE WHEN rated.reward_source = 'human' THEN rated.reward END
        ) AS value
    FROM first_feedback JOIN rated USING (interaction_id)
    LEFT JOIN values_of_people AS own
        ON own.interaction_id = first_feedback.interaction_id AND own.voter = first_feedback.rater
    WHERE first_feedback.source = 'human' AND NOT is_blank(first_feedback.comment) AND kind <> 'preference'
)

SELECT
    comment,
    person,
    value < 0.5 AS is_negative
FROM comments
WHERE value <> 0.5
ORDER BY md5(feedback_id)
LIMIT $max_rows
