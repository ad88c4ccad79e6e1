-- Log format `feedback_table`: one act of feedback a line, with the prompt and the output it judges.
-- {id, prompt, model_output, feedback_type: thumbs_up, thumbs_down, rating, preference, correction, created_at,
--  rating? (1 to 5), comment?, preferred_output?, rejected_output?, brand_id?, user_id?, task_type?, session_id?,
--  interaction_id?}
-- A row that names an interaction_id judges an answer logged elsewhere. Any other is an answer too, and its id is a
-- hash of what was asked and answered, so that several raters of one output meet. Reads `lines`.
WITH fields AS (
    SELECT *, from_json(CASE WHEN json_type(json) = 'OBJECT' THEN json END, '{
        "id": "JSON", "brand_id": "JSON", "user_id": "JSON", "task_type": "JSON", "prompt": "JSON",
        "model_output": "JSON", "feedback_type": "JSON", "rating": "JSON", "comment": "JSON",
        "preferred_output": "JSON", "rejected_output": "JSON", "session_id": "JSON", "created_at": "JSON",
        "interaction_id": "JSON"}') AS f
    FROM (SELECT *, CASE WHEN json_valid(line) THEN CAST(line AS JSON) END AS json FROM lines)
),
named AS (
    SELECT *, text_of(f.feedback_type) AS kind, coalesce(id_of(f.interaction_id), sha256(concat_ws(chr(31),
        coalesce(id_of(f.brand_id), ''), coalesce(text_of(f.task_type), ''), text_of(f.prompt),
        text_of(f.model_output)))) AS answer_id
    FROM fields
),
judged AS (
    SELECT *, coalesce(
        problem(reason IS NOT NULL, reason, detail),
        problem(json IS NULL, 'not_json', NULL),
        problem(json_type(json) <> 'OBJECT', 'not_an_object', json_type(json)),
        problem(repeats_a_key(json), 'duplicate_key', NULL),
        required(f.id, id_of(f.id), 'id'),
        problem(f.created_at IS NULL, 'missing_field', 'created_at'), timely(f.created_at, 'created_at'),
        required(f.feedback_type, kind, 'feedback_type'),
        problem(kind NOT IN ('thumbs_up', 'thumbs_down', 'rating', 'preference', 'correction'), 'unknown_kind', kind),
        optional(f.interaction_id, id_of(f.interaction_id), 'interaction_id'),
        CASE WHEN f.interaction_id IS NULL THEN coalesce(
            required(f.prompt, text_of(f.prompt), 'prompt'),
            required(f.model_output, text_of(f.model_output), 'model_output')) END,
        CASE WHEN kind = 'rating' THEN required(f.rating, number_of(f.rating), 'rating') END,
        CASE WHEN kind = 'rating' THEN within(number_of(f.rating), 1, 5, 'rating') END,
        CASE WHEN kind IN ('preference', 'correction')
             THEN required(f.preferred_output, text_of(f.preferred_output), 'preferred_output') END,
        CASE WHEN kind = 'preference'
             THEN required(f.rejected_output, text_of(f.rejected_output), 'rejected_output') END,
        optional(f.comment, text_of(f.comment), 'comment'),
        optional(f.brand_id, id_of(f.brand_id), 'brand_id'),
        optional(f.user_id, id_of(f.user_id), 'user_id'),
        optional(f.task_type, text_of(f.task_type), 'task_type'),
        optional(f.session_id, id_of(f.session_id), 'session_id')
    ) AS fault
    FROM named
)
SELECT
    source_file, source_line, fault.reason AS reason, fault.detail AS detail, line AS raw, 'feedback' AS record,
    CASE WHEN fault IS NULL AND f.interaction_id IS NULL THEN {
        'interaction_id': answer_id,
        'answered_at': time_of(f.created_at),
        'prompt': [{'role': 'user', 'content': text_of(f.prompt)}],
        'answer': text_of(f.model_output),
        'task': text_of(f.task_type),
        'segment': id_of(f.brand_id),
        'error': false,
        'session_id': id_of(f.session_id)
    } END AS interaction,
    CASE WHEN fault IS NULL THEN [{
        'feedback_id': id_of(f.id),
        'interaction_id': answer_id,
        'given_at': time_of(f.created_at),
        'kind': CASE WHEN kind IN ('thumbs_up', 'thumbs_down') THEN 'thumbs' ELSE kind END,
        'value': CASE kind WHEN 'thumbs_up' THEN 1 WHEN 'thumbs_down' THEN 0
                           WHEN 'rating' THEN (number_of(f.rating) - 1) / 4 END,
        'dimension': 'overall',
        'source': 'human',
        'preferred': text_of(f.preferred_output),
        'rejected': text_of(f.rejected_output),
        'comment': text_of(f.comment),
        'rater': id_of(f.user_id)
    }] ELSE [] END AS feedback
FROM judged
