-- The first $places pairs of each prompt: by strategy, then by margin, the wider first, then by lengths, the more alike
-- first. Reads `pairs` and `pair_reasons`.
WITH firsts AS (
    SELECT prompt, arg_min(pair, (rank, rejected_reward - chosen_reward, ratio, feedback_id, chosen, rejected), $places)
        AS taken
    FROM pair_reasons JOIN pairs ON pairs.rowid = pair
    WHERE reason IS NULL
    GROUP BY prompt
)
SELECT slice_of(prompt, $slices) AS slice, prompt, unnest(taken) AS pair, generate_subscripts(taken, 1) AS place FROM firsts
