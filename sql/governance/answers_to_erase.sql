-- Answers of erased interactions and users, with what they say.
-- Reads: erased_interactions, erased_users, interactions.
-- Parameters: none.
SELECT
    day,
    interaction_id,
    source_file,
    list_filter([prompt[-1].content, answer], LAMBDA text: text IS NOT NULL) AS texts
FROM interactions
WHERE interaction_id IN (SELECT id FROM erased_interactions) OR user_id IN (SELECT id FROM erased_users)
