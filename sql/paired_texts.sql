-- The texts of answers that wanted pairs name and that are not in `texts` yet, with the prompts of those that a pair may
-- be asked in, now or when another takes its place. Reads `wanted_pairs`, `pair_places`, `pairs`, `texts`, `answers` and
-- `interactions`.
WITH named AS (
    SELECT DISTINCT unnest([asked, chosen, rejected]) AS number FROM wanted_pairs JOIN pairs ON pairs.rowid = pair
),
missing AS (
    SELECT number, number IN (SELECT asked FROM pair_places JOIN pairs ON pairs.rowid = pair) AS is_asked
    FROM named
    WHERE number NOT IN (SELECT texts.number FROM texts)
)
SELECT number, CASE WHEN is_asked THEN interactions.prompt END AS asked, interactions.answer
FROM interactions JOIN (SELECT * FROM missing JOIN answers USING (number)) AS wanted
    ON wanted.interaction_id = interactions.interaction_id AND wanted.landed_day = interactions.day
