-- One row a picture of documentation: the conversation with its place for the picture, and the picture. The split
-- follows the page.
-- Reads: pictures.
-- Parameters: $segment.
SELECT
    split_of(prompt_key) AS split,
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
