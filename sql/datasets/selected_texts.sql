-- The numbers of the taken candidates' texts, with their slices of so many as $slices. Reads `candidates`.
SELECT DISTINCT slice_of(prompt, $slices) AS slice, number, true AS asked FROM candidates WHERE reason IS NULL
