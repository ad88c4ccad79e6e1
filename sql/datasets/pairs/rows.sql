-- Preference rows of a slice: the chosen pairs with their texts.
-- Reads: taken, texts.
-- Parameters: $slice.
SELECT
    split,
    prompt_key,
    question.prompt,
    [{'role': 'assistant', 'content': better.answer}] AS chosen,
    [{'role': 'assistant', 'content': worse.answer}] AS rejected,
    metadata
FROM taken
JOIN texts AS question ON question.number = asked
LEFT JOIN texts AS better ON better.number = taken.chosen
LEFT JOIN texts AS worse ON worse.number = taken.rejected
WHERE slice = $slice
ORDER BY split, taken.prompt, place
