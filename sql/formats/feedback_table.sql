-- Log format `feedback_table`: one feedback event per line, with the prompt and the output that it rates.
-- {id, prompt, model_output, feedback_type: thumbs_up, thumbs_down, rating, preference, tie, correction, comment,
--  retraction (or none), created_at, rating? (1 to 5, or the range of the metric `rating`), comment?,
--  preferred_output?, rejected_output?, brand_id?, user_id?, task_type?, session_id?, interaction_id?, dimension? (of
--  thumbs and ratings, and of what a retraction takes away), seconds? (it took), other_interaction_id? (the second of
--  two compared answers), shown_first? (which of the two), retracts? (of a retraction: the id of the row),
--  verdict? (first, second or tie), first_output?, second_output?}
-- A row with an interaction_id rates an answer that is logged elsewhere. Any other is an answer too, and its id is a
-- hash of prompt and output, so that several ratings of one output share it; a rater without a user_id is then known by
-- the session, or by the row. A thumbs_down or a rating below the best with a preferred_output is a correction too. A
-- retraction takes away what its rater said of the answer before, or the row with its id; with `retracts` it takes
-- away the row of that id, of the same rater, and nothing else. A tie compares two logged answers, neither of them
-- better.
-- A preference whose interaction_id is a pair of the review queue may say its verdict on first_output and second_output
-- in place of the two texts; an empty one says nothing yet, as a retraction. Such a row needs no id and no time.
-- So may a row whose id is an item of the active learning queue (q-<item>): it needs no time, is an event of its own
-- for each user_id, and without a verdict or a rating takes away what it said before, and nothing else.
-- Reads: objects.
-- Parameters: $day.
WITH fields AS (
    SELECT
        *,
        from_json(object, '{
        "id": "JSON", "brand_id": "JSON", "user_id": "JSON", "task_type": "JSON", "prompt": "JSON",
        "model_output": "JSON", "feedback_type": "JSON", "rating": "JSON", "comment": "JSON",
        "preferred_output": "JSON", "rejected_output": "JSON", "session_id": "JSON", "created_at": "JSON",
        "interaction_id": "JSON", "verdict": "JSON", "first_output": "JSON", "second_output": "JSON",
        "shown_first": "JSON", "other_interaction_id": "JSON", "dimension": "JSON", "seconds": "JSON",
        "retracts": "JSON"}') AS f
    FROM objects
),

parsed AS (
    SELECT
        *,
        list_count([*COLUMNS(f.*)]) AS field_count,
        id_of(f.interaction_id) AS named_id,
        id_of(f.id) AS own_id,
        id_of(f.brand_id) AS segment,
        id_of(f.user_id) AS user_id,
        id_of(f.session_id) AS session_id,
        text_of(f.feedback_type) AS feedback_type,
        lower(filled(text_of(f.verdict))) AS given_verdict,
        label_of(f.task_type) AS task,
        text_of(f.prompt) AS prompt,
        text_of(f.model_output) AS answer,
        text_of(f.preferred_output) AS preferred_output,
        text_of(f.rejected_output) AS rejected_output,
        text_of(f.first_output) AS first_output,
        text_of(f.second_output) AS second_output,
        label_of(f.comment) AS comment,
        number_of(f.rating) AS rating,
        time_of(f.created_at) AS created_at,
        id_of(f.shown_first) AS shown_first,
        id_of(f.other_interaction_id) AS other_id,
        label_of(f.dimension) AS dimension,
        number_of(f.seconds) AS seconds,
        id_of(f.retracts) AS retracts
    FROM fields
),

-- Expressions that others use have a SELECT of their own: within one, each use would be planned again.
reviewed AS (
    SELECT
        *,
        coalesce(feedback_type = 'preference' AND is_review_pair(named_id), FALSE) AS is_review,
        coalesce(
            is_queue_item(own_id)
            AND ((feedback_type = 'preference' AND other_id IS NOT NULL) OR feedback_type = 'rating'),
            FALSE
        ) AS is_queued,
        (is_review OR (is_queued AND feedback_type = 'preference'))
        AND f.preferred_output IS NULL AND f.rejected_output IS NULL AS is_compared,
        CASE WHEN is_compared THEN given_verdict END AS verdict,
        is_queued AND CASE WHEN is_compared THEN verdict IS NULL ELSE f.rating IS NULL AND feedback_type = 'rating' END
            AS is_unanswered
    FROM parsed
),

resolved AS (
    SELECT
        *,
        CASE
            WHEN is_review AND f.id IS NULL
                THEN sha256(concat_ws(chr(31), named_id, coalesce(user_id, ''), cast(verdict IS NULL AS VARCHAR)))
            WHEN is_queued AND user_id IS NOT NULL
                THEN concat(own_id, '-', left(sha256(concat_ws(chr(31), own_id, user_id)), 12))
            ELSE own_id
        END AS id,
        CASE
            WHEN feedback_type = 'none' OR is_unanswered OR (is_compared AND verdict IS NULL) THEN 'retraction'
            WHEN is_queued AND is_compared AND verdict = 'tie' THEN 'tie'
            ELSE feedback_type
        END AS kind,
        stars_value('rating', rating) AS stars,
        CASE
            WHEN NOT is_compared THEN preferred_output
            WHEN verdict = 'first' THEN first_output
            WHEN verdict = 'second' THEN second_output
        END AS preferred,
        CASE
            WHEN NOT is_compared THEN rejected_output
            WHEN verdict = 'first' THEN second_output
            WHEN verdict = 'second' THEN first_output
        END AS rejected,
        CASE
            WHEN (is_review OR is_queued) AND f.created_at IS NULL THEN cast($day AS TIMESTAMPTZ) ELSE created_at
        END AS moment,
        CASE WHEN is_unanswered THEN id ELSE retracts END AS taken_away
    FROM reviewed
),

checked AS (
    SELECT
        *,
        coalesce(
            no_fields(object, keys, field_count, line, reason, detail, braces),
            required(f.id, id, 'id'),
            problem(f.created_at IS NULL AND NOT is_review AND NOT is_queued, 'missing_field', 'created_at'),
            timely(f.created_at, moment, 'created_at'),
            required(f.feedback_type, kind, 'feedback_type'),
            one_of(kind, [
                'thumbs_up', 'thumbs_down', 'rating', 'preference', 'tie', 'correction', 'comment', 'retraction'
            ], 'feedback_type'),
            optional(f.interaction_id, named_id, 'interaction_id'),
            CASE
                WHEN kind = 'tie'
                    THEN
                        coalesce(
                            required(f.interaction_id, named_id, 'interaction_id'),
                            required(f.other_interaction_id, other_id, 'other_interaction_id')
                        )
            END,
            optional(f.other_interaction_id, other_id, 'other_interaction_id'),
            problem(other_id = named_id, 'out_of_range', 'other_interaction_id is interaction_id'),
            CASE
                WHEN named_id IS NULL
                    THEN
                        coalesce(required(f.prompt, prompt, 'prompt'), required(f.model_output, answer, 'model_output'))
            END,
            CASE
                WHEN kind = 'rating'
                    THEN coalesce(required(f.rating, rating, 'rating'), on_scale('rating', rating, stars))
            END,
            CASE
                WHEN is_compared
                    THEN
                        coalesce(
                            optional(f.verdict, text_of(f.verdict), 'verdict'),
                            CASE
                                WHEN verdict IS NOT NULL THEN one_of(verdict, ['first', 'second', 'tie'], 'verdict')
                            END,
                            required(f.first_output, first_output, 'first_output'),
                            required(f.second_output, second_output, 'second_output')
                        )
                WHEN kind IN ('preference', 'correction')
                    THEN required(f.preferred_output, preferred, 'preferred_output')
            END,
            CASE
                WHEN kind = 'preference' AND NOT is_compared
                    THEN required(f.rejected_output, rejected, 'rejected_output')
            END,
            CASE WHEN kind = 'comment' THEN required(f.comment, comment, 'comment') END,
            optional(f.retracts, retracts, 'retracts'),
            problem(retracts IS NOT NULL AND kind <> 'retraction', 'unknown_kind', 'retracts is of a retraction only'),
            optional(f.comment, comment, 'comment'),
            optional(f.shown_first, shown_first, 'shown_first'),
            optional(f.dimension, dimension, 'dimension'),
            optional(f.seconds, seconds, 'seconds'), within(seconds, 0, 1e9, 'seconds'),
            optional(f.brand_id, segment, 'brand_id'),
            optional(f.user_id, user_id, 'user_id'),
            optional(f.task_type, task, 'task_type'),
            optional(f.session_id, session_id, 'session_id')
        ) AS fault,
        coalesce(named_id, sha256(concat_ws(chr(31), coalesce(segment, ''), coalesce(task, ''), prompt, answer)))
            AS answer_id,
        coalesce(user_id, CASE WHEN named_id IS NULL THEN coalesce(session_id, id) END) AS rater,
        CASE
            WHEN verdict = 'tie' AND is_review THEN 0.5
            WHEN kind = 'thumbs_up' THEN 1
            WHEN kind = 'thumbs_down' THEN 0
            WHEN kind = 'rating' THEN stars
        END AS value,
        CASE
            WHEN dimension IS NOT NULL AND kind IN ('thumbs_up', 'thumbs_down', 'rating', 'retraction')
                THEN metric_dimension(dimension)
            ELSE 'overall'
        END AS own_dimension,
        kind IN ('thumbs_down', 'rating') AND value < 1 AND NOT is_blank(preferred)
        AND stripped(preferred) <> coalesce(stripped(answer), '') AS is_corrected
    FROM resolved
)

SELECT
    source_file,
    source_line,
    fault,
    line,
    unread_fields(keys, field_count, struct_keys(f)) AS fields,
    cast(NULL AS VARCHAR[]) AS notes,
    'feedback' AS record,
    CASE WHEN fault IS NULL AND named_id IS NULL THEN {
        'interaction_id': answer_id,
        'answered_at': moment,
        'prompt': [{'role': 'user', 'content': prompt}],
        'answer': answer,
        'task': task,
        'segment': segment,
        'error': FALSE,
        'session_id': session_id,
        'user_id': user_id
    } END AS interaction,
    CASE WHEN fault IS NULL THEN list_filter([
        feedback_event(
            id, answer_id, moment, CASE WHEN kind IN ('thumbs_up', 'thumbs_down') THEN 'thumbs' ELSE kind END,
            value, CASE WHEN kind = 'rating' THEN rating END, own_dimension,
            CASE WHEN kind IN ('preference', 'correction') THEN preferred END,
            CASE WHEN kind = 'preference' THEN rejected END, comment, rater, shown_first, other_id, seconds, taken_away
        ),
        CASE
            WHEN is_corrected OR (kind = 'retraction' AND taken_away IS NULL) THEN feedback_event(
                concat(id, '-correction'), answer_id, moment,
                CASE WHEN kind = 'retraction' THEN 'retraction' ELSE 'correction' END,
                NULL, NULL, 'overall', CASE WHEN is_corrected THEN preferred END, NULL, NULL, rater,
                NULL, NULL, NULL, NULL
            )
        END
    ], LAMBDA event: event IS NOT NULL) ELSE [] END AS feedback
FROM checked
