-- For each new prompt the earlier near-duplicates: nine words of ten in common (Jaccard >= 0.9). Prompts that share a
-- MinHash band are compared; of a band that very many share (one template, filled in) only the first 64, so that cost
-- stays in proportion.
-- Reads: fresh, placed.
-- Parameters: none.
WITH members AS (
    SELECT
        band,
        prompt_key,
        cast(NULL AS DATE) AS day
    FROM (SELECT
        prompt_key,
        unnest(bands) AS band
    FROM fresh)
    UNION ALL
    SELECT
        band,
        prompt_key,
        day
    FROM (SELECT
        prompt_key,
        day,
        unnest(bands) AS band
    FROM placed
    WHERE cluster_key IS NOT NULL)
    WHERE band IN (SELECT unnest(bands) FROM fresh)
),

firsts AS (
    SELECT * FROM members
    QUALIFY row_number() OVER (PARTITION BY band ORDER BY day NULLS LAST, prompt_key) <= 64
),

candidates AS (
    SELECT DISTINCT
        members.prompt_key,
        firsts.prompt_key AS near_key,
        firsts.day
    FROM members JOIN firsts USING (band)
    WHERE members.day IS NULL AND (firsts.day IS NOT NULL OR firsts.prompt_key < members.prompt_key)
),

texts AS (
    SELECT
        prompt_key,
        words,
        prompt_key AS cluster_key
    FROM fresh
    UNION ALL
    SELECT
        prompt_key,
        words,
        cluster_key
    FROM placed
    WHERE prompt_key IN (SELECT near_key FROM candidates)
),

compared AS (
    SELECT
        candidates.*,
        near.cluster_key,
        len(ours.words) + len(near.words) AS both_words,
        len(list_intersect(ours.words, near.words)) AS shared
    FROM candidates JOIN fresh AS ours USING (prompt_key) JOIN texts AS near ON near.prompt_key = near_key
    WHERE 10 * least(len(ours.words), len(near.words)) >= 9 * greatest(len(ours.words), len(near.words))
)

SELECT
    prompt_key,
    near_key,
    cluster_key,
    split_of(cluster_key) AS split
FROM compared
WHERE 10 * shared >= 9 * (both_words - shared)
ORDER BY prompt_key, day NULLS LAST, near_key
