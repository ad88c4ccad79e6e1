-- Every version of every feedback event with the answer that it judges, and whether it counts. One event counts per
-- rater, answer and dimension (of corrections one; of preferences and ties one per pair of answers or texts): the
-- latest, and of equal times the one that landed last. The same feedback id with new content is an update. A
-- retraction takes away what its rater said before it; one with `retracts` takes away that event of its rater and no
-- other, so that what the rater said before counts again. Raters without a name are one rater of an answer. An event
-- that judges a session (an episode) judges each of its answers: it has a row for each, and keeps its own id if none
-- has landed. Ids that differ in form only (a UUID in upper case or braces, 12.0) are one id. Ids are compared as they
-- landed; those that hold personal data are then replaced by their hashes. Labels of pairs in the review queue judge no
-- answer of the log: they are left to the decision on promotion.
-- Reads: feedback, landed_interactions, redactions.
-- Parameters: none.
WITH versions AS (
    SELECT
        *,
        row_number() OVER landings = 1 AS is_current,
        count(*) OVER (PARTITION BY feedback_id) AS version_count,
        first_value(kind) OVER landings = 'retraction' AND kind <> 'retraction' AS is_withdrawn,
        content_sha256 <> first_value(content_sha256) OVER landings AND NOT is_withdrawn AS is_changed
    FROM feedback
    WHERE NOT coalesce(is_review_pair(interaction_id), FALSE)
    WINDOW landings AS (PARTITION BY feedback_id ORDER BY given_at DESC, day DESC)
),

unmatched AS (
    SELECT DISTINCT interaction_id FROM versions
    WHERE interaction_id NOT IN (
        SELECT interaction_id FROM landed_interactions
        WHERE interaction_id IN (SELECT versions.interaction_id FROM versions)
    )
),

forms AS (
    SELECT
        plain_id(interaction_id) AS form,
        min(interaction_id) AS interaction_id
    FROM landed_interactions
    WHERE plain_id(interaction_id) IN (SELECT plain_id(interaction_id) FROM unmatched)
    GROUP BY form
    HAVING min(interaction_id) = max(interaction_id)
),

sessions AS (
    SELECT DISTINCT
        session_id,
        interaction_id
    FROM landed_interactions
    WHERE session_id IN (FROM unmatched)
),

hashed AS (
    SELECT
        record,
        id,
        any_value(interaction_id) AS interaction_id
    FROM redactions
    WHERE interaction_id IS NOT NULL
    GROUP BY record, id
),

matched AS (
    SELECT
        versions.* REPLACE (
            coalesce(sessions.interaction_id, forms.interaction_id, versions.interaction_id) AS interaction_id
        ),
        coalesce(sessions.interaction_id, forms.interaction_id) IS NOT NULL
        OR unmatched.interaction_id IS NULL AS has_answer,
        CASE kind
            WHEN 'comment' THEN feedback_id
            WHEN 'correction' THEN 'correction'
            WHEN 'tie' THEN 'pair' || chr(31) || other_interaction_id
            WHEN 'preference'
                THEN
                    coalesce(
                        'pair' || chr(31) || other_interaction_id,
                        concat_ws(chr(31), least(preferred, rejected), greatest(preferred, rejected))
                    )
            ELSE 'value'
        END AS subject
    FROM versions
    LEFT JOIN unmatched ON unmatched.interaction_id = versions.interaction_id
    LEFT JOIN sessions ON sessions.session_id = unmatched.interaction_id
    LEFT JOIN forms ON forms.form = plain_id(unmatched.interaction_id)
),

judged AS (
    SELECT
        matched.* REPLACE (
            coalesce(answers.interaction_id, events.interaction_id, matched.interaction_id) AS interaction_id
        )
    FROM matched
    LEFT JOIN hashed AS answers ON answers.record = 'interaction' AND answers.id = matched.interaction_id
    LEFT JOIN hashed AS events
        ON events.record = 'feedback' AND events.id = matched.feedback_id AND NOT matched.has_answer
),

retracted AS (
    SELECT DISTINCT
        unnest([retracts, concat(retracts, '-correction')]) AS feedback_id,
        rater
    FROM judged
    WHERE is_current AND kind = 'retraction' AND retracts IS NOT NULL
),

standing AS (
    SELECT
        judged.*,
        judged.kind <> 'retraction' AND retracted.feedback_id IS NOT NULL AS is_retracted
    FROM judged LEFT JOIN retracted
        ON retracted.feedback_id = judged.feedback_id AND retracted.rater IS NOT DISTINCT FROM judged.rater
),

ordered AS (
    SELECT
        * EXCLUDE (is_changed, is_withdrawn, is_retracted),
        row_number() OVER (
            PARTITION BY interaction_id, source, dimension, rater
            ORDER BY given_at, day, position NULLS FIRST, feedback_id
        ) AS place
    FROM standing
    WHERE is_current AND retracts IS NULL AND NOT is_retracted
),

superseded AS (
    SELECT
        *,
        lead(kind) OVER subjects IS NOT NULL AS is_superseded,
        coalesce(
            lead(kind) OVER subjects <> 'retraction' AND NOT coalesce(lead(value) OVER subjects = value, FALSE), FALSE
        ) AS is_changed,
        coalesce(
            place < max(CASE WHEN kind = 'retraction' AND (rater IS NOT NULL OR version_count = 1) THEN place END)
                OVER (PARTITION BY interaction_id, source, dimension, rater),
            FALSE
        ) AS is_withdrawn
    FROM ordered
    WINDOW subjects AS (PARTITION BY interaction_id, source, dimension, rater, subject ORDER BY place)
)

SELECT
    * EXCLUDE (is_current, version_count, subject, place, is_superseded),
    NOT is_superseded AND NOT is_withdrawn AND kind <> 'retraction' AS is_counted
FROM superseded
UNION ALL BY NAME
SELECT
    * EXCLUDE (is_current, version_count, subject, is_retracted) REPLACE (is_withdrawn OR is_retracted AS is_withdrawn),
    FALSE AS is_counted
FROM standing
WHERE NOT is_current OR retracts IS NOT NULL OR is_retracted
