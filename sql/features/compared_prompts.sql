-- All prompts with the days on which they first landed and the clusters that they had; a day that is read late may be
-- the first of prompts of later days.
-- Reads: fresh, prompt_clusters.
-- Parameters: $day.
SELECT
    day,
    prompt_key,
    words,
    hash(words) AS words_key,
    cluster_key,
    day AS former_day
FROM prompt_clusters
WHERE prompt_key NOT IN (SELECT fresh.prompt_key FROM fresh)
UNION ALL
SELECT
    cast($day AS DATE) AS day,
    fresh.prompt_key,
    fresh.words,
    hash(fresh.words) AS words_key,
    known.cluster_key,
    known.day AS former_day
FROM fresh LEFT JOIN prompt_clusters AS known USING (prompt_key)
