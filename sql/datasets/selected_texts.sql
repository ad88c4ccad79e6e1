-- The numbers of the taken candidates' texts, with their slices of so many as $slices.
-- Reads: candidates.
-- Parameters: $slices.
SELECT DISTINCT
    slice_of(prompt, $slices) AS slice,
    number,
    TRUE AS asked
FROM candidates
WHERE reason IS NULL
