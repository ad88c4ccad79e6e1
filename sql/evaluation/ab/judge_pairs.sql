-- Answers of two agents to one prompt, for a judge: at most $max_pairs per pair of agents, round-robin over categories,
-- by the hash of the prompt, so that the sample is the same every time. Failed and empty answers are dropped, since a
-- judge has nothing to read there.
-- Reads: interactions, rated.
-- Parameters: $max_pairs.
WITH answers AS (
    SELECT
        coalesce(segment, '(none)') AS segment,
        prompt_key,
        agent,
        category,
        interaction_id,
        landed_day
    FROM rated
    WHERE agent IS NOT NULL AND NOT coalesce(error, FALSE) AND answer_chars > 0 AND trainable
    QUALIFY row_number() OVER (PARTITION BY segment, prompt_key, agent ORDER BY interaction_id) = 1
),

pairs AS (
    SELECT
        a.segment,
        a.prompt_key,
        a.agent AS ours,
        b.agent AS theirs,
        a.interaction_id AS our_id,
        a.landed_day AS our_day,
        b.interaction_id AS their_id,
        b.landed_day AS their_day,
        row_number() OVER (PARTITION BY a.segment, a.agent, b.agent, a.category ORDER BY a.prompt_key) AS position
    FROM answers AS a JOIN answers AS b USING (segment, prompt_key)
    WHERE a.agent < b.agent
),

sample AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY segment, ours, theirs ORDER BY position, prompt_key) AS turn
    FROM pairs QUALIFY turn <= $max_pairs
)

SELECT
    sample.segment,
    ours,
    theirs,
    sample.prompt_key,
    our.prompt AS prompt,
    our.answer AS first,
    their.answer AS second
FROM sample
JOIN interactions AS our ON our.interaction_id = our_id AND our.day = our_day
JOIN interactions AS their ON their.interaction_id = their_id AND their.day = their_day
ORDER BY sample.segment, ours, theirs, turn
