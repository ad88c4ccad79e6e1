-- One row per question about documentation: the conversation with the answer as JSON. The split follows the page.
-- Reads: questions.
-- Parameters: $segment.
SELECT
    page_split_of(prompt_key) AS split,
    prompt_key,
    list_append(prompt, {'role': 'assistant', 'content': answer}) AS messages,
    gold_images,
    catalogue,
    {
        'row_id': row_id,
        'prompt_key': prompt_key,
        'cluster_key': prompt_key,
        'segment': $segment,
        'category': if(needs_image, 'image', 'text'),
        'agent': source, 'source': source, 'page': page, 'needs_image': needs_image, 'reward': cast(1 AS DOUBLE)
    } AS metadata
FROM questions
ORDER BY row_id
