-- Counts of the feedback of the window: events, verdicts that were changed or withdrawn, feedback on answers older than
-- the window, and feedback whose answer has not landed, with the ids that differ from an answer's in form only; and
-- retractions that name an event which their rater has not given, as far as the lake knows.
-- Reads: feedback_history, landed_interactions, older_feedback, older_interactions.
-- Parameters: none.
WITH events AS (
    SELECT
        feedback_id,
        any_value(interaction_id) AS interaction_id,
        bool_or(has_answer) AS has_answer,
        bool_or(is_changed) AS is_changed,
        bool_or(is_withdrawn) AS is_withdrawn
    FROM feedback_history
    GROUP BY feedback_id
),

older AS (
    SELECT interaction_id FROM events
    WHERE
        NOT has_answer
        AND (
            plain_id(interaction_id) IN (SELECT plain_id(answers.interaction_id) FROM older_interactions AS answers)
            OR interaction_id IN (
                SELECT answers.session_id FROM older_interactions AS answers
                WHERE answers.session_id IS NOT NULL
            )
        )
),

without_answer AS (
    SELECT
        interaction_id,
        loose_id(interaction_id) IN (SELECT loose_id(interaction_id) FROM landed_interactions) AS is_near
    FROM events
    WHERE NOT has_answer AND interaction_id NOT IN (FROM older)
),

given AS (
    SELECT
        feedback_id,
        rater
    FROM feedback_history
    WHERE kind <> 'retraction'
    UNION ALL
    SELECT
        feedback_id,
        rater
    FROM older_feedback
),

orphans AS (
    SELECT count(DISTINCT retraction.feedback_id) AS orphan_retractions
    FROM feedback_history AS retraction ANTI JOIN given
        ON given.feedback_id = retraction.retracts AND given.rater IS NOT DISTINCT FROM retraction.rater
    WHERE retraction.kind = 'retraction' AND retraction.retracts IS NOT NULL
),

near AS (
    SELECT
        count(*) AS feedback_without_answer,
        count(*) FILTER (is_near) AS near_ids,
        list(interaction_id ORDER BY NOT is_near, interaction_id)[:5] AS samples
    FROM without_answer
)

SELECT
    count(feedback_id) AS feedback_events,
    count(*) FILTER (is_changed) AS changed_verdicts,
    count(*) FILTER (is_withdrawn) AS withdrawn_verdicts,
    count(*) FILTER (NOT has_answer AND interaction_id IN (FROM older)) AS feedback_on_older_answers,
    any_value(feedback_without_answer) AS feedback_without_answer,
    any_value(near_ids) AS near_ids,
    (SELECT orphan_retractions FROM orphans) AS orphan_retractions,
    coalesce(any_value(samples), []) AS samples
FROM near LEFT JOIN events ON TRUE
