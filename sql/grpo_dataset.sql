-- Groups of answers to one prompt with their rewards. Complexity is the words of the question: simple up to 10, moderate
-- up to 40, complex above. Reads `candidates`, `answers` and `interactions`.
WITH members AS (
    SELECT number, sd, row_number() OVER (PARTITION BY prompt, reward_source ORDER BY reward DESC, number) AS place
    FROM candidates
    WHERE reason IS NULL
),
told AS (
    SELECT answers.*, sd, place, interactions.answer, interactions.prompt AS asked
    FROM members JOIN answers USING (number)
    JOIN interactions ON interactions.interaction_id = answers.interaction_id AND interactions.day = answers.landed_day
),
groups AS (
    SELECT prompt, reward_source, first(prompt_key) AS prompt_key, first(cluster_key) AS cluster_key,
        first(split) AS split, min(segment) AS segment, min(category) AS category, first(sd) AS sd, count(*) AS size,
        arg_min(asked, number) AS asked, list_sort(list(DISTINCT agent)) AS agents,
        list_sort(list({'place': place, 'text': answer, 'reward': reward, 'interaction_id': interaction_id})) AS said
    FROM told
    GROUP BY prompt, reward_source
)
SELECT split, prompt_key, asked AS prompt, list_transform(said, lambda answer:
        {'text': answer.text, 'reward': answer.reward, 'interaction_id': answer.interaction_id}) AS responses,
    {'prompt_key': prompt_key, 'cluster_key': cluster_key, 'segment': segment, 'category': category,
     'sd': round(sd, 9), 'scorer': reward_source, 'size': size, 'query_complexity': CASE
        WHEN len(string_split_regex(stripped(asked[-1].content), '\s+')) <= 10 THEN 'simple'
        WHEN len(string_split_regex(stripped(asked[-1].content), '\s+')) <= 40 THEN 'moderate'
        ELSE 'complex' END,
     'agents': agents} AS metadata
FROM groups
ORDER BY groups.prompt, reward_source
