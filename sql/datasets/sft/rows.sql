-- Training rows of a slice: the taken candidates with their texts.
-- Reads: taken, texts.
-- Parameters: $slice.
SELECT
    split,
    prompt_key,
    list_append(texts.prompt, {'role': 'assistant', 'content': coalesce(preferred, answer)}) AS messages,
    metadata
FROM taken JOIN texts USING (number)
WHERE slice = $slice
ORDER BY split, taken.prompt
