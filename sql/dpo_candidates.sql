-- Pairs of answers to one prompt of which one was better, with why a pair is not taken, or NULL in `reason`.
-- Stated preferences and corrections first, then pairs whose rewards of one source lie `margin` apart. Ids, rewards and
-- lengths only: texts are joined for the pairs that are taken. Reads `rated` and `first_feedback`.
WITH stated AS (
    SELECT 'explicit' AS strategy, feedback_id, prompt_key, CAST(NULL AS VARCHAR) AS chosen_id,
        CASE kind WHEN 'correction' THEN interaction_id END AS rejected_id, interaction_id AS asked_in,
        CAST(NULL AS DOUBLE) AS chosen_reward, CAST(NULL AS DOUBLE) AS rejected_reward, 'human' AS reward_source,
        length(stripped(preferred)) AS chosen_chars,
        CASE kind WHEN 'correction' THEN answer_chars ELSE length(stripped(rejected)) END AS rejected_chars,
        answer_key(preferred) AS chosen_key, coalesce(answer_key(rejected), rated.answer_key) AS rejected_key, trainable
    FROM first_feedback JOIN rated USING (interaction_id)
    WHERE kind IN ('preference', 'correction')
),
answers AS (SELECT * FROM rated WHERE reward IS NOT NULL AND answer_chars > 0),
measured AS (
    SELECT 'all_margin' AS strategy, CAST(NULL AS VARCHAR) AS feedback_id, prompt_key,
        better.interaction_id AS chosen_id, worse.interaction_id AS rejected_id, better.interaction_id AS asked_in,
        better.reward AS chosen_reward, worse.reward AS rejected_reward, reward_source,
        better.answer_chars AS chosen_chars, worse.answer_chars AS rejected_chars,
        better.answer_key AS chosen_key, worse.answer_key AS rejected_key,
        better.trainable
    FROM answers AS better JOIN answers AS worse USING (prompt_key, reward_source)
    WHERE NOT better.error AND reaches(better.reward - worse.reward, $margin)
),
pairs AS (SELECT * FROM stated UNION ALL BY NAME SELECT * FROM measured),
filtered AS (
    SELECT *, length_ratio(chosen_chars, rejected_chars) AS ratio, CASE
        WHEN NOT trainable THEN 'untrainable_prompt'
        WHEN chosen_chars = 0 OR rejected_chars = 0 THEN 'empty_side'
        WHEN chosen_key = rejected_key THEN 'identical'
        WHEN count(*) FILTER (chosen_key > rejected_key) OVER one_pair > 0
         AND count(*) FILTER (chosen_key < rejected_key) OVER one_pair > 0 THEN 'contradiction'
        WHEN NOT reaches($max_len_ratio, length_ratio(chosen_chars, rejected_chars)) THEN 'length_ratio'
        WHEN row_number() OVER (
            PARTITION BY prompt_key, chosen_key, rejected_key
            ORDER BY strategy DESC, chosen_reward - rejected_reward DESC, feedback_id, chosen_id, rejected_id) > 1
        THEN 'repeated'
        END AS reason
    FROM pairs
    WINDOW one_pair AS (PARTITION BY prompt_key, least(chosen_key, rejected_key), greatest(chosen_key, rejected_key))
)
SELECT row_number() OVER (ORDER BY prompt_key, strategy DESC, feedback_id, chosen_id, rejected_id) AS pair, *,
    CASE WHEN reason IS NULL THEN row_number() OVER (
        PARTITION BY prompt_key, reason IS NULL
        ORDER BY strategy DESC, chosen_reward - rejected_reward DESC, ratio, feedback_id, chosen_id, rejected_id)
    END AS place
FROM filtered
