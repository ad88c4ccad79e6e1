-- Groups of answers to one prompt with their rewards. Complexity is the words of the question: simple up to 10, moderate
-- up to 40, complex above. Reads `candidates` and `interactions`.
SELECT min(split) AS split, candidates.prompt_key, arg_min(interactions.prompt, candidates.interaction_id) AS prompt,
    list({'text': answer, 'reward': reward, 'interaction_id': candidates.interaction_id}
         ORDER BY reward DESC, candidates.interaction_id) AS responses,
    {'prompt_key': candidates.prompt_key, 'cluster_key': min(candidates.cluster_key),
     'segment': min(candidates.segment), 'category': min(candidates.category),
     'sd': round(min(sd), 9), 'scorer': reward_source, 'size': count(*), 'query_complexity': CASE
        WHEN min(len(string_split_regex(stripped(interactions.prompt[-1].content), '\s+'))) <= 10 THEN 'simple'
        WHEN min(len(string_split_regex(stripped(interactions.prompt[-1].content), '\s+'))) <= 40 THEN 'moderate'
        ELSE 'complex' END,
     'agents': list_sort(list(DISTINCT candidates.agent))} AS metadata
FROM candidates
JOIN interactions ON interactions.interaction_id = candidates.interaction_id AND interactions.day = candidates.landed_day
WHERE reason IS NULL
GROUP BY candidates.prompt_key, reward_source
ORDER BY candidates.prompt_key, reward_source
