-- Answers that somebody gave in position of logged ones: corrections stated as feedback by one of $sources, and, with
-- $teacher, those of the teacher as of the day. Of held-out answers nothing synthetic is read.
-- Reads: answers, first_feedback, teacher_answers.
-- Parameters: $sources, $teacher.
SELECT
    feedback_id,
    interaction_id,
    preferred,
    given_at,
    CASE source WHEN 'human' THEN 'human' ELSE 'teacher' END AS origin,
    source
FROM first_feedback
WHERE
    kind = 'correction' AND list_contains($sources, source)
    AND (source <> 'synthetic' OR interaction_id IN (
        SELECT answers.interaction_id FROM answers
        WHERE answers.split = 'train'
    ))
UNION ALL BY NAME
SELECT
    'teacher ' || model AS feedback_id,
    interaction_id,
    answer AS preferred,
    cast(day AS TIMESTAMPTZ) AS given_at,
    source AS origin,
    'synthetic' AS source
FROM teacher_answers
WHERE $teacher
