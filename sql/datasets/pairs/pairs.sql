-- Pairs of answers to one prompt of which one was better; `fault` says why a pair is none whatever the policy, or is
-- NULL. Stated preferences and corrections, pairs whose rewards of one source lie $margin apart (synthetic ones: four
-- stars or more against two or fewer, too), and pairs that a judge decided where rewards do not; $strategies names them
-- in order. A judge's pair that people state otherwise is dropped, and so is a pair whose better answer was cut off, or
-- with a text that only failed answers have. Numbers, rewards and lengths only: texts are joined for the pairs that are
-- selected.
-- Reads: answers, judge_preferences, paired_answers, statements.
-- Parameters: $margin, $strategies.
WITH failed_texts AS (
    SELECT
        prompt,
        text
    FROM answers
    WHERE error
    EXCEPT
    SELECT
        prompt,
        text
    FROM answers
    WHERE NOT error
),

stated AS (
    SELECT
        list_position($strategies, 'explicit') AS rank,
        feedback_id,
        statements.rowid AS statement,
        prompt,
        cast(NULL AS INTEGER) AS chosen,
        CASE kind WHEN 'correction' THEN number END AS rejected,
        number AS prompt_number,
        cast(NULL AS DOUBLE) AS chosen_reward,
        cast(NULL AS DOUBLE) AS rejected_reward,
        1 AS raters,
        statements.source AS reward_source,
        answer_length(preferred) AS chosen_chars,
        CASE kind WHEN 'correction' THEN answer_chars ELSE answer_length(statements.rejected) END AS rejected_chars,
        short_key(answer_key(preferred)) AS chosen_text,
        coalesce(short_key(answer_key(statements.rejected)), text) AS rejected_text,
        (prompt, chosen_text) IN (
            SELECT (cut.prompt, cut.text) FROM answers AS cut
            WHERE cut.cut_off
        ) AS cut_off,
        (prompt, chosen_text) IN (FROM failed_texts) OR (prompt, rejected_text) IN (FROM failed_texts) AS failed,
        prompt_fault
    FROM statements JOIN answers USING (interaction_id)
    WHERE kind IN ('preference', 'correction') AND list_contains($strategies, 'explicit')
),

reward_pairs AS (
    SELECT
        least(
            list_position($strategies, 'all_margin'),
            CASE
                WHEN
                    better.position = 0 AND worse.position = worse.size - 1
                    THEN list_position($strategies, 'best_worst')
            END,
            CASE
                WHEN better.stars AND reaches(better.reward, 0.75) AND worse.stars AND reaches(0.25, worse.reward)
                    THEN list_position($strategies, 'ratings')
            END,
            CASE WHEN better.position = 0 AND worse.is_low THEN list_position($strategies, 'mu2s') END
        ) AS rank,
        cast(NULL AS VARCHAR) AS feedback_id,
        cast(NULL AS BIGINT) AS statement,
        prompt,
        better.number AS chosen,
        worse.number AS rejected,
        better.number AS prompt_number,
        better.reward AS chosen_reward,
        worse.reward AS rejected_reward,
        least(better.raters, worse.raters) AS raters,
        reward_source,
        better.answer_chars AS chosen_chars,
        worse.answer_chars AS rejected_chars,
        better.text AS chosen_text,
        worse.text AS rejected_text,
        better.cut_off,
        coalesce(better.prompt_fault, worse.prompt_fault) AS prompt_fault
    FROM paired_answers AS better JOIN paired_answers AS worse USING (prompt, reward_source)
    WHERE
        reaches(better.reward - worse.reward, $margin)
        AND (reward_source <> 'synthetic' OR (reaches(better.reward, 0.75) AND reaches(0.25, worse.reward)))
),

judge_pairs AS (
    SELECT
        list_position($strategies, 'judge') AS rank,
        cast(NULL AS VARCHAR) AS feedback_id,
        cast(NULL AS BIGINT) AS statement,
        better.prompt,
        better.number AS chosen,
        worse.number AS rejected,
        better.number AS prompt_number,
        cast(NULL AS DOUBLE) AS chosen_reward,
        cast(NULL AS DOUBLE) AS rejected_reward,
        1 AS raters,
        'judge' AS reward_source,
        better.answer_chars AS chosen_chars,
        worse.answer_chars AS rejected_chars,
        better.text AS chosen_text,
        worse.text AS rejected_text,
        better.cut_off,
        coalesce(better.prompt_fault, worse.prompt_fault) AS prompt_fault
    FROM judge_preferences JOIN answers AS better ON better.interaction_id = preferred_id
    JOIN answers AS worse ON worse.interaction_id = rejected_id
    WHERE
        list_contains($strategies, 'judge') AND NOT better.error AND NOT worse.error
        AND NOT EXISTS (
            FROM
                stated
            WHERE
                stated.prompt = better.prompt AND stated.chosen_text = worse.text
                AND stated.rejected_text = better.text
        )
)

SELECT
    * EXCLUDE (chosen_chars, rejected_chars, cut_off, failed, prompt_fault),
    length_ratio(chosen_chars, rejected_chars) AS ratio,
    abs(chosen_chars - rejected_chars) AS chars_apart,
    chosen_chars > rejected_chars AS longer,
    coalesce(prompt_fault, CASE
        WHEN failed THEN 'error'
        WHEN chosen_chars = 0 OR rejected_chars = 0 THEN 'empty_side'
        WHEN cut_off THEN 'cut_off'
        WHEN chosen_text = rejected_text THEN 'identical'
    END) AS fault
FROM (
    SELECT * FROM stated
    UNION ALL BY NAME
    SELECT * FROM reward_pairs
    WHERE rank IS NOT NULL
    UNION ALL BY NAME
    SELECT * FROM judge_pairs
)
