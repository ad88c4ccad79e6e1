-- One row per question about documentation: the prompt, and what the reward compares answers with. The split follows
-- the page.
-- Reads: questions.
-- Parameters: $segment.
SELECT
    page_split_of(prompt_key) AS split,
    prompt_key,
    prompt,
    responses,
    gold_images,
    catalogue,
    gold_text,
    {
        'row_id': row_id,
        'prompt_key': prompt_key,
        'cluster_key': prompt_key,
        'segment': $segment,
        'category': if(needs_image, 'image', 'text'),
        'source': source, 'page': page, 'needs_image': needs_image,
        'scorer': 'image_reward', 'size': len(responses),
        'sd': round(list_stddev_pop(list_transform(responses, LAMBDA given: given.reward)), 9)
    } AS metadata
FROM questions
ORDER BY row_id
