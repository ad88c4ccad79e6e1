-- The first $positions pairs of each prompt: by strategy, then by margin, the wider first, then by lengths, the more
-- alike first. A sort goes to disk where memory ends, which lists of the first of each prompt do not.
-- Reads: drop_reasons, pairs.
-- Parameters: $positions.
SELECT
    prompt,
    pair,
    row_number() OVER (
        PARTITION BY prompt ORDER BY rank, rejected_reward - chosen_reward, ratio, feedback_id, chosen, rejected
    ) AS position
FROM drop_reasons JOIN pairs ON pairs.rowid = pair
WHERE reason IS NULL
QUALIFY position <= $positions
