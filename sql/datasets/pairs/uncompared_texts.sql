-- The texts of the pairs of a slice that are to be compared.
-- Reads: pair_sides, texts.
-- Parameters: $slice.
SELECT
    pair,
    better.answer AS chosen,
    worse.answer AS rejected
FROM pair_sides
JOIN texts AS better ON better.number = chosen
JOIN texts AS worse ON worse.number = rejected
WHERE slice = $slice
