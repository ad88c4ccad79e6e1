-- The numbers of texts that wanted pairs name and that have not been read: of answers and, below zero, of statements.
-- Prompts are prompt_number for where a pair may be prompt_number in them, now or when another takes its position.
-- Reads: best_pairs, pairs, ranked_pairs, read_texts.
-- Parameters: none.
WITH named AS (
    SELECT DISTINCT
        shard,
        unnest([
            prompt_number, coalesce(chosen, preferred_number(statement)), coalesce(rejected, rejected_number(statement))
        ]) AS number
    FROM best_pairs JOIN pairs ON pairs.rowid = pair
)

SELECT
    shard,
    number,
    number IN (SELECT prompt_number FROM ranked_pairs JOIN pairs ON pairs.rowid = pair) AS with_prompt
FROM named
WHERE number NOT IN (SELECT read_texts.number FROM read_texts)
