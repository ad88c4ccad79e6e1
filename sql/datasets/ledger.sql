-- Every answer of the window with what each dataset made of it: the rows it gave, or the one reason why it gave none.
-- Reads: dpo_dataset, grpo_dataset, kto_dataset, rated, reward_dataset, sft_dataset.
-- Parameters: $day.
SELECT
    cast($day AS DATE) AS day,
    interaction_id,
    landed_day,
    agent,
    category,
    segment,
    reward,
    sft.rows AS sft_rows,
    sft.reason AS sft_reason,
    dpo.rows AS dpo_rows,
    dpo.reason AS dpo_reason,
    reward_model.rows AS reward_rows,
    reward_model.reason AS reward_reason,
    kto.rows AS kto_rows,
    kto.reason AS kto_reason,
    grpo.rows AS grpo_rows,
    grpo.reason AS grpo_reason
FROM rated
LEFT JOIN sft_dataset AS sft USING (interaction_id)
LEFT JOIN dpo_dataset AS dpo USING (interaction_id)
LEFT JOIN reward_dataset AS reward_model USING (interaction_id)
LEFT JOIN kto_dataset AS kto USING (interaction_id)
LEFT JOIN grpo_dataset AS grpo USING (interaction_id)
ORDER BY interaction_id
