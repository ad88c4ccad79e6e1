-- The first $per_prompt pairs of each prompt, those aside whose texts proved near-identical.
-- Reads: near_identical, pair_places.
-- Parameters: $per_prompt, $slices.
SELECT
    slice_of(prompt, $slices) AS slice,
    pair,
    row_number() OVER (PARTITION BY prompt ORDER BY place) AS place
FROM pair_places ANTI JOIN near_identical USING (pair)
QUALIFY row_number() OVER (PARTITION BY prompt ORDER BY place) <= $per_prompt
