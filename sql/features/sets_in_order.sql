-- The sets of words in order, with their words and with the splits of the clusters that they keep or would start.
-- Reads: compared_prompts, word_sets.
-- Parameters: none.
SELECT
    word_sets.number,
    word_sets.day,
    first.words,
    word_sets.cluster_key,
    split_of(word_sets.cluster_key) AS split,
    word_sets.assigned
FROM word_sets JOIN compared_prompts AS first USING (prompt_key)
ORDER BY word_sets.number
