-- Preference rows of a shard: the chosen pairs with their texts.
-- Reads: selected, texts.
-- Parameters: $shard.
SELECT
    split,
    prompt_key,
    question.prompt,
    [{'role': 'assistant', 'content': better.answer}] AS chosen,
    [{'role': 'assistant', 'content': worse.answer}] AS rejected,
    metadata
FROM selected
JOIN texts AS question ON question.number = prompt_number
LEFT JOIN texts AS better ON better.number = selected.chosen
LEFT JOIN texts AS worse ON worse.number = selected.rejected
WHERE shard = $shard
ORDER BY split, selected.prompt, position
