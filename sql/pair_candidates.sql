-- Pairs of answers to one prompt of which one was better, with why a pair is not taken, or NULL in `reason`.
-- Stated preferences and corrections, and pairs whose rewards of one source lie $margin apart; $strategies names them
-- in order. Ids, rewards and lengths only: texts are joined for the pairs that are taken. Reads `paired_answers`, `rated`
-- and `first_feedback`.
WITH stated AS (
    SELECT list_position($strategies, 'explicit') AS rank, feedback_id, prompt_key, CAST(NULL AS VARCHAR) AS chosen_id,
        CASE kind WHEN 'correction' THEN interaction_id END AS rejected_id, interaction_id AS asked_in,
        CAST(NULL AS DOUBLE) AS chosen_reward, CAST(NULL AS DOUBLE) AS rejected_reward,
        CASE source WHEN 'human' THEN 'human' ELSE source END AS reward_source,
        length(stripped(preferred)) AS chosen_chars,
        CASE kind WHEN 'correction' THEN answer_chars ELSE length(stripped(rejected)) END AS rejected_chars,
        short_key(answer_key(preferred)) AS chosen_key,
        short_key(coalesce(answer_key(rejected), rated.answer_key)) AS rejected_key, prompt_fault
    FROM first_feedback JOIN rated USING (interaction_id)
    WHERE kind IN ('preference', 'correction') AND list_contains($strategies, 'explicit')
),
measured AS (
    SELECT least(
            list_position($strategies, 'all_margin'),
            CASE WHEN better.place = 0 AND worse.place = worse.size - 1 THEN list_position($strategies, 'best_worst') END,
            CASE WHEN better.stars AND reaches(better.reward, 0.75) AND worse.stars AND reaches(0.25, worse.reward)
                 THEN list_position($strategies, 'ratings') END,
            CASE WHEN better.place = 0 AND worse.size >= 8 AND worse.mu2s_place = 1
                 THEN list_position($strategies, 'mu2s') END) AS rank,
        CAST(NULL AS VARCHAR) AS feedback_id, prompt_key,
        better.interaction_id AS chosen_id, worse.interaction_id AS rejected_id, better.interaction_id AS asked_in,
        better.reward AS chosen_reward, worse.reward AS rejected_reward, reward_source,
        better.answer_chars AS chosen_chars, worse.answer_chars AS rejected_chars,
        better.answer_key AS chosen_key, worse.answer_key AS rejected_key, coalesce(better.prompt_fault, worse.prompt_fault) AS prompt_fault
    FROM paired_answers AS better JOIN paired_answers AS worse USING (prompt_key, reward_source)
    WHERE NOT better.error AND reaches(better.reward - worse.reward, $margin)
),
pairs AS (SELECT * FROM stated UNION ALL BY NAME SELECT * FROM measured WHERE rank IS NOT NULL),
filtered AS (
    SELECT *, length_ratio(chosen_chars, rejected_chars) AS ratio, CASE
        WHEN prompt_fault IS NOT NULL THEN prompt_fault
        WHEN chosen_chars = 0 OR rejected_chars = 0 THEN 'empty_side'
        WHEN chosen_key = rejected_key THEN 'identical'
        WHEN count(*) FILTER (chosen_key > rejected_key) OVER one_pair > 0
         AND count(*) FILTER (chosen_key < rejected_key) OVER one_pair > 0 THEN 'contradiction'
        WHEN NOT reaches($max_len_ratio, length_ratio(chosen_chars, rejected_chars)) THEN 'length_ratio'
        WHEN row_number() OVER (
            PARTITION BY prompt_key, chosen_key, rejected_key
            ORDER BY rank, chosen_reward - rejected_reward DESC, feedback_id, chosen_id, rejected_id) > 1
        THEN 'repeated'
        END AS reason
    FROM pairs
    WINDOW one_pair AS (PARTITION BY prompt_key, least(chosen_key, rejected_key), greatest(chosen_key, rejected_key))
)
SELECT row_number() OVER (ORDER BY prompt_key, rank, feedback_id, chosen_id, rejected_id) AS pair, *,
    CASE WHEN reason IS NULL THEN row_number() OVER (
        PARTITION BY prompt_key, reason IS NULL
        ORDER BY rank, chosen_reward - rejected_reward DESC, ratio, feedback_id, chosen_id, rejected_id)
    END AS place
FROM filtered
