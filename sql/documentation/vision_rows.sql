-- One row per image of the documentation: the conversation with a placeholder for the image, and the image. The split
-- follows the page.
-- Reads: images.
-- Parameters: $segment.
SELECT
    page_split_of(prompt_key) AS split,
    prompt_key,
    messages,
    images,
    {
        'row_id': row_id,
        'prompt_key': prompt_key,
        'cluster_key': prompt_key,
        'segment': $segment,
        'category': image_type,
        'source': source, 'page': page, 'path': path, 'sha256': sha256
    } AS metadata
FROM images
ORDER BY row_id
