-- The numbers of texts that wanted pairs name and that have not been read: of answers and, below zero, of statements.
-- Prompts are asked for where a pair may be asked in them, now or when another takes its place.
-- Reads: pair_places, pairs, read_texts, wanted_pairs.
-- Parameters: none.
WITH named AS (
    SELECT DISTINCT
        slice,
        unnest([
            asked, coalesce(chosen, preferred_number(statement)), coalesce(rejected, rejected_number(statement))
        ]) AS number
    FROM wanted_pairs JOIN pairs ON pairs.rowid = pair
)

SELECT
    slice,
    number,
    number IN (SELECT asked FROM pair_places JOIN pairs ON pairs.rowid = pair) AS asked
FROM named
WHERE number NOT IN (SELECT read_texts.number FROM read_texts)
