-- The rewarded answers of $segment as numbers, sorted by session. Codes are places among the names of `day_names`,
-- `category_names` and `arm_names`, from 0; the fold is that of the session.
-- Reads: arm_names, category_names, choices, day_names.
-- Parameters: $folds, $segment.
SELECT
    session,
    cast(session % $folds AS BIGINT) AS fold,
    day_names.code AS day,
    category_names.code AS category,
    arm_names.code AS arm,
    coalesce(propensity, 'nan') AS propensity,
    reward
FROM choices
JOIN day_names ON choices.answered_on = day_names.name
JOIN category_names ON choices.category = category_names.name
JOIN arm_names ON choices.arm = arm_names.name
WHERE segment = $segment AND reward IS NOT NULL
ORDER BY session, interaction_id
