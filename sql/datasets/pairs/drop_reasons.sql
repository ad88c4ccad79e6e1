-- Why each pair is not selected, as far as that is known without its texts, or NULL in `reason`. Two texts of which
-- people state, or rewards say, now one and now the other is better are put to the vote: a stated preference is one
-- vote, the latest of each person; rewards are as many as the raters of the side that has fewer. The majority's pairs
-- stay if nobody disagrees, or if the lower bound of its share is above one half. Of equal pairs the first stays.
-- Reads: pairs, statements.
-- Parameters: $length_allowance, $max_len_ratio.
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

rivals AS (
    SELECT
        pairs.rowid AS pair,
        pairs.prompt,
        low,
        high,
        chosen_text = high AS is_high,
        CASE
            WHEN statement IS NULL THEN raters
            WHEN
                row_number() OVER (
                    PARTITION BY pairs.prompt, low, high, statement IS NULL, voter
                    ORDER BY given_at DESC, pairs.feedback_id
                ) = 1
                THEN 1
            ELSE 0
        END AS votes
    FROM pairs JOIN shared
        ON
            shared.prompt = pairs.prompt
            AND low = least(chosen_text, rejected_text) AND high = greatest(chosen_text, rejected_text)
    LEFT JOIN statements ON statements.rowid = statement
),

elections AS (
    SELECT
        prompt,
        low,
        high,
        sum(votes) FILTER (is_high) AS for_high,
        sum(votes) FILTER (NOT is_high) AS for_low
    FROM rivals
    GROUP BY ALL
),

majorities AS (
    SELECT
        prompt,
        low,
        high,
        CASE
            WHEN coalesce(for_low, 0) = 0 THEN TRUE
            WHEN coalesce(for_high, 0) = 0 THEN FALSE
            WHEN wilson_lower(greatest(for_high, for_low) / (for_high + for_low), for_high + for_low) > 0.5
                THEN for_high > for_low
        END AS is_high
    FROM elections
),

repeats AS (
    SELECT
        pair,
        coalesce(majorities.is_high <> rivals.is_high, TRUE) AS contradicted,
        row_number() OVER (
            PARTITION BY rivals.prompt, rivals.low, rivals.high, rivals.is_high
            ORDER BY rank, chosen_reward - rejected_reward DESC, feedback_id, chosen, rejected
        ) > 1 AS repeated
    FROM rivals JOIN majorities USING (prompt, low, high) JOIN pairs ON pairs.rowid = pair
)

SELECT
    pairs.rowid AS pair,
    coalesce(fault, CASE
        WHEN contradicted THEN 'contradiction'
        WHEN NOT reaches($max_len_ratio, ratio) AND chars_apart >= $length_allowance THEN 'length_ratio'
        WHEN repeated THEN 'repeated'
    END) AS reason
FROM pairs LEFT JOIN repeats ON repeats.pair = pairs.rowid
