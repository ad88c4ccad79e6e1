-- Log format `interaction_log`: one answer a line.
-- {interaction_id, timestamp, query, answer, agent_type, quality_scores{}, latency_ms, tools_used[], error_occurred,
--  session_id?, user_id?, sources[]?, context?, retrieval_method?, error_message?, tokens_used?, cost_usd?,
--  user_rating? (1 to 5), user_feedback? (text), system?, messages? (earlier turns), category?, task?, segment?,
--  model?, adapter?, propensity?}
-- A rating and a comment become rows of feedback. Reads `lines`.
WITH fields AS (
    SELECT *, from_json(CASE WHEN json_type(json) = 'OBJECT' THEN json END, '{
        "interaction_id": "JSON", "timestamp": "JSON", "query": "JSON", "answer": "JSON", "agent_type": "JSON",
        "quality_scores": "JSON", "latency_ms": "JSON", "tools_used": "JSON", "error_occurred": "JSON",
        "session_id": "JSON", "user_id": "JSON", "sources": "JSON", "context": "JSON", "retrieval_method": "JSON",
        "error_message": "JSON", "tokens_used": "JSON", "cost_usd": "JSON", "user_rating": "JSON",
        "user_feedback": "JSON", "system": "JSON", "messages": "JSON", "category": "JSON", "task": "JSON",
        "segment": "JSON", "model": "JSON", "adapter": "JSON", "propensity": "JSON"}') AS f
    FROM (SELECT *, CASE WHEN json_valid(line) THEN CAST(line AS JSON) END AS json FROM lines)
),
judged AS (
    SELECT *, coalesce(
        problem(reason IS NOT NULL, reason, detail),
        problem(json IS NULL, 'not_json', NULL),
        problem(json_type(json) <> 'OBJECT', 'not_an_object', json_type(json)),
        problem(repeats_a_key(json), 'duplicate_key', NULL),
        required(f.interaction_id, id_of(f.interaction_id), 'interaction_id'),
        problem(f.timestamp IS NULL, 'missing_field', 'timestamp'), timely(f.timestamp, 'timestamp'),
        required(f.query, text_of(f.query), 'query'),
        optional(f.answer, text_of(f.answer), 'answer'),
        required(f.agent_type, text_of(f.agent_type), 'agent_type'),
        optional(f.quality_scores, scores_of(f.quality_scores), 'quality_scores'),
        within(list_min(map_values(scores_of(f.quality_scores))), 0, 1, 'quality_scores'),
        within(list_max(map_values(scores_of(f.quality_scores))), 0, 1, 'quality_scores'),
        optional(f.latency_ms, number_of(f.latency_ms), 'latency_ms'),
        within(number_of(f.latency_ms), 0, 1e12, 'latency_ms'),
        optional(f.tools_used, texts_of(f.tools_used), 'tools_used'),
        optional(f.error_occurred, flag_of(f.error_occurred), 'error_occurred'),
        optional(f.error_message, text_of(f.error_message), 'error_message'),
        optional(f.session_id, id_of(f.session_id), 'session_id'),
        optional(f.user_id, id_of(f.user_id), 'user_id'),
        optional(f.context, text_of(f.context), 'context'),
        optional(f.retrieval_method, text_of(f.retrieval_method), 'retrieval_method'),
        optional(f.tokens_used, number_of(f.tokens_used), 'tokens_used'),
        within(number_of(f.tokens_used), 0, 1e12, 'tokens_used'),
        optional(f.cost_usd, number_of(f.cost_usd), 'cost_usd'),
        optional(f.user_rating, number_of(f.user_rating), 'user_rating'),
        within(number_of(f.user_rating), 1, 5, 'user_rating'),
        optional(f.user_feedback, text_of(f.user_feedback), 'user_feedback'),
        optional(f.system, text_of(f.system), 'system'),
        optional(f.messages, messages_of(f.messages), 'messages'),
        optional(f.category, text_of(f.category), 'category'),
        optional(f.task, text_of(f.task), 'task'),
        optional(f.segment, text_of(f.segment), 'segment'),
        optional(f.model, text_of(f.model), 'model'),
        optional(f.adapter, text_of(f.adapter), 'adapter'),
        optional(f.propensity, number_of(f.propensity), 'propensity'),
        within(number_of(f.propensity), 1e-12, 1, 'propensity')
    ) AS fault
    FROM fields
)
SELECT
    source_file, source_line, fault.reason AS reason, fault.detail AS detail, line AS raw, 'interaction' AS record,
    CASE WHEN fault IS NULL THEN {
        'interaction_id': id_of(f.interaction_id),
        'answered_at': time_of(f.timestamp),
        'prompt': list_concat(
            CASE WHEN f.system IS NOT NULL THEN [{'role': 'system', 'content': text_of(f.system)}] ELSE [] END,
            coalesce(messages_of(f.messages), []),
            [{'role': 'user', 'content': text_of(f.query)}]),
        'answer': text_of(f.answer),
        'context': text_of(f.context),
        'sources': CAST(f.sources AS VARCHAR),
        'agent': text_of(f.agent_type),
        'category': text_of(f.category),
        'task': text_of(f.task),
        'segment': text_of(f.segment),
        'model': text_of(f.model),
        'adapter': text_of(f.adapter),
        'propensity': number_of(f.propensity),
        'quality_scores': scores_of(f.quality_scores),
        'latency_ms': number_of(f.latency_ms),
        'tokens': CAST(number_of(f.tokens_used) AS BIGINT),
        'cost_usd': number_of(f.cost_usd),
        'tools_used': texts_of(f.tools_used),
        'retrieval_method': text_of(f.retrieval_method),
        'top_k': CAST(NULL AS BIGINT),
        'error': coalesce(flag_of(f.error_occurred), false),
        'error_message': text_of(f.error_message),
        'session_id': id_of(f.session_id),
        'user_id': id_of(f.user_id)
    } END AS interaction,
    CASE WHEN fault IS NULL THEN list_filter([
        CASE WHEN f.user_rating IS NOT NULL THEN feedback_of(
            id_of(f.interaction_id), time_of(f.timestamp), 'rating', (number_of(f.user_rating) - 1) / 4, NULL,
            id_of(f.user_id)) END,
        CASE WHEN f.user_feedback IS NOT NULL THEN feedback_of(
            id_of(f.interaction_id), time_of(f.timestamp), 'comment', NULL, text_of(f.user_feedback),
            id_of(f.user_id)) END
    ], lambda act: act IS NOT NULL) END AS feedback
FROM judged
