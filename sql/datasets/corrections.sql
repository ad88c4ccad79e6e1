-- Answers that somebody gave in position of logged ones: corrections stated as feedback, and, with $teacher, those of
-- the teacher as of the day.
-- Reads: first_feedback, teacher_answers.
-- Parameters: $synthetic, $teacher.
SELECT
    feedback_id,
    interaction_id,
    preferred,
    given_at,
    CASE source WHEN 'human' THEN 'human' ELSE 'teacher' END AS origin
FROM first_feedback
WHERE kind = 'correction' AND ($synthetic OR source <> 'synthetic')
UNION ALL BY NAME
SELECT
    'teacher ' || model AS feedback_id,
    interaction_id,
    answer AS preferred,
    cast(day AS TIMESTAMPTZ) AS given_at,
    source AS origin
FROM teacher_answers
WHERE $teacher
