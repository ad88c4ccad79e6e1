-- Single good and bad answers of a shard with their texts.
-- Reads: selected, texts.
-- Parameters: $shard.
SELECT
    split,
    prompt_key,
    texts.prompt,
    [{'role': 'assistant', 'content': coalesce(preferred, answer)}] AS completion,
    label,
    metadata
FROM selected JOIN texts USING (number)
WHERE shard = $shard
ORDER BY split, selected.prompt, number, feedback_id
