-- The texts that `named` numbers, with the prompts of the answers of which these are with_prompt for.
-- Reads: answers, interactions, named.
-- Parameters: none.
SELECT
    shard,
    number,
    CASE WHEN with_prompt THEN interactions.prompt END AS prompt,
    interactions.answer
FROM interactions
JOIN (SELECT
    shard,
    number,
    with_prompt,
    interaction_id,
    landed_day
FROM named JOIN answers USING (number)) AS wanted
    ON wanted.interaction_id = interactions.interaction_id AND wanted.landed_day = interactions.day
