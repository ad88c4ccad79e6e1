-- Training rows of a shard: the selected candidates with their texts.
-- Reads: selected, texts.
-- Parameters: $shard.
SELECT
    split,
    prompt_key,
    list_append(texts.prompt, {'role': 'assistant', 'content': coalesce(preferred, answer)}) AS messages,
    metadata
FROM selected JOIN texts USING (number)
WHERE shard = $shard
ORDER BY split, selected.prompt
