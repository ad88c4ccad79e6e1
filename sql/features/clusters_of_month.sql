-- The prompts that first landed in $month, with their clusters.
-- Reads: clusters, compared_prompts.
-- Parameters: $method, $month.
SELECT
    $month AS month,
    clusters.day,
    prompt_key,
    clusters.cluster_key,
    $method AS method,
    compared_prompts.words
FROM clusters JOIN compared_prompts USING (prompt_key)
WHERE strftime(clusters.day, '%Y-%m') = $month
ORDER BY clusters.day, prompt_key
