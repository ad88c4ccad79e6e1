-- Every answer of the window with why no dataset takes it as it is, or NULL in `unfit`. Reads `rated`.
SELECT *, CASE
    WHEN error THEN 'error'
    WHEN prompt_fault IS NOT NULL THEN prompt_fault
    WHEN answer_chars = 0 THEN 'no_answer'
    WHEN reward IS NULL THEN 'no_reward'
    END AS unfit
FROM rated
