-- Keys of prompts that only erased interactions contain.
-- Reads: erased_interactions, interactions.
-- Parameters: none.
SELECT DISTINCT prompt_key FROM interactions
WHERE interaction_id IN (SELECT id FROM erased_interactions)
EXCEPT
SELECT prompt_key FROM interactions
WHERE interaction_id NOT IN (SELECT id FROM erased_interactions)
