-- Log format `reward_log`: questions and rewards share one file.
-- A query row {interaction_id, question, agent, category, top_k, num_sources?, timestamp?, answer?, context?, sources?,
--  segment?, task?} or a feedback row {type: "feedback", interaction_id, reward in [0, 1], timestamp?, dimension?,
--  source? (human by default, verifier, judge, synthetic), user_id?}.
-- A row without a timestamp counts from the start of its day ($day). Reads `lines`.
WITH fields AS (
    SELECT *, from_json(CASE WHEN json_type(json) = 'OBJECT' THEN json END, '{
        "type": "JSON", "interaction_id": "JSON", "question": "JSON", "agent": "JSON", "category": "JSON",
        "top_k": "JSON", "num_sources": "JSON", "timestamp": "JSON", "answer": "JSON", "context": "JSON",
        "sources": "JSON", "segment": "JSON", "task": "JSON", "reward": "JSON", "dimension": "JSON",
        "source": "JSON", "user_id": "JSON"}') AS f
    FROM (SELECT *, CASE WHEN json_valid(line) THEN CAST(line AS JSON) END AS json FROM lines)
),
told_apart AS (
    SELECT *, f.type IS NOT NULL AS is_feedback, coalesce(time_of(f.timestamp), CAST($day AS TIMESTAMPTZ)) AS moment
    FROM fields
),
judged AS (
    SELECT *, coalesce(
        problem(reason IS NOT NULL, reason, detail),
        problem(json IS NULL, 'not_json', NULL),
        problem(json_type(json) <> 'OBJECT', 'not_an_object', json_type(json)),
        problem(repeats_a_key(json), 'duplicate_key', NULL),
        problem(is_feedback AND coalesce(text_of(f.type), '') <> 'feedback', 'unknown_kind', 'type'),
        required(f.interaction_id, id_of(f.interaction_id), 'interaction_id'),
        timely(f.timestamp, 'timestamp'),
        CASE WHEN is_feedback THEN coalesce(
            required(f.reward, number_of(f.reward), 'reward'), within(number_of(f.reward), 0, 1, 'reward'),
            optional(f.dimension, text_of(f.dimension), 'dimension'),
            optional(f.user_id, id_of(f.user_id), 'user_id'),
            problem(f.source IS NOT NULL
                    AND coalesce(text_of(f.source), '') NOT IN ('human', 'verifier', 'judge', 'synthetic'),
                    'unknown_kind', 'source'))
        ELSE coalesce(
            required(f.question, text_of(f.question), 'question'),
            required(f.agent, text_of(f.agent), 'agent'),
            optional(f.category, text_of(f.category), 'category'),
            optional(f.top_k, number_of(f.top_k), 'top_k'), within(number_of(f.top_k), 0, 1e9, 'top_k'),
            optional(f.answer, text_of(f.answer), 'answer'),
            optional(f.context, text_of(f.context), 'context'),
            optional(f.segment, text_of(f.segment), 'segment'),
            optional(f.task, text_of(f.task), 'task')) END
    ) AS fault
    FROM told_apart
)
SELECT
    source_file, source_line, fault.reason AS reason, fault.detail AS detail, line AS raw,
    CASE WHEN is_feedback THEN 'feedback' ELSE 'interaction' END AS record,
    CASE WHEN fault IS NULL AND NOT is_feedback THEN {
        'interaction_id': id_of(f.interaction_id),
        'answered_at': moment,
        'prompt': [{'role': 'user', 'content': text_of(f.question)}],
        'answer': text_of(f.answer),
        'context': text_of(f.context),
        'sources': CAST(f.sources AS VARCHAR),
        'agent': text_of(f.agent),
        'category': text_of(f.category),
        'task': text_of(f.task),
        'segment': text_of(f.segment),
        'top_k': CAST(number_of(f.top_k) AS BIGINT),
        'error': false
    } END AS interaction,
    CASE WHEN fault IS NULL AND is_feedback THEN [identified({
        'interaction_id': id_of(f.interaction_id),
        'given_at': moment,
        'kind': 'reward',
        'value': number_of(f.reward),
        'dimension': coalesce(text_of(f.dimension), 'overall'),
        'source': coalesce(text_of(f.source), 'human'),
        'preferred': CAST(NULL AS VARCHAR),
        'rejected': CAST(NULL AS VARCHAR),
        'comment': CAST(NULL AS VARCHAR),
        'rater': id_of(f.user_id)
    })] ELSE [] END AS feedback
FROM judged
