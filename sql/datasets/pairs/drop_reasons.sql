-- Why each pair is not selected, as far as that is known without its texts, or NULL in `reason`. Pairs of which two
-- say that one text is better and worse than the other are none; of equal pairs the first stays.
-- Reads: pairs.
-- Parameters: $max_len_ratio.
WITH shared AS (
    SELECT
        prompt,
        least(chosen_text, rejected_text) AS low,
        greatest(chosen_text, rejected_text) AS high
    FROM pairs
    WHERE fault IS NULL
    GROUP BY ALL
    HAVING count(*) > 1
),

repeats AS (
    SELECT
        pairs.rowid AS pair,
        bool_or(chosen_text > rejected_text) OVER one_pair
        AND bool_or(chosen_text < rejected_text) OVER one_pair AS contradicted,
        row_number() OVER (
            PARTITION BY prompt, chosen_text, rejected_text
            ORDER BY rank, chosen_reward - rejected_reward DESC, feedback_id, chosen, rejected
        ) > 1 AS repeated
    FROM pairs SEMI JOIN shared
        ON
            shared.prompt = pairs.prompt
            AND low = least(chosen_text, rejected_text) AND high = greatest(chosen_text, rejected_text)
    WINDOW one_pair AS (PARTITION BY prompt, least(chosen_text, rejected_text), greatest(chosen_text, rejected_text))
)

SELECT
    pairs.rowid AS pair,
    coalesce(fault, CASE
        WHEN contradicted THEN 'contradiction'
        WHEN NOT reaches($max_len_ratio, ratio) THEN 'length_ratio'
        WHEN repeated THEN 'repeated'
    END) AS reason
FROM pairs LEFT JOIN repeats ON repeats.pair = pairs.rowid
