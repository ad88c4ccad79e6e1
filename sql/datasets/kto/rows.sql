-- Single good and bad answers of a slice with their texts.
-- Reads: taken, texts.
-- Parameters: $slice.
SELECT
    split,
    prompt_key,
    texts.prompt,
    [{'role': 'assistant', 'content': coalesce(preferred, answer)}] AS completion,
    label,
    metadata
FROM taken JOIN texts USING (number)
WHERE slice = $slice
ORDER BY split, taken.prompt, number, feedback_id
