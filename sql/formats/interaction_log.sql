-- Log format `interaction_log`: one answer per line.
-- {interaction_id, timestamp, query, answer?, agent_type, quality_scores{}?, latency_ms?, tools_used[]?,
--  error_occurred?, session_id?, user_id?, sources[]?, context?, retrieval_method?, error_message?, tokens_used?,
--  cost_usd?, user_rating? (1 to 5, or the range of the metric `user_rating`), user_feedback? (text), system?,
--  messages? (earlier turns), category?, task?, segment?, model?, adapter?, propensity?}
-- A rating and a comment become rows of feedback.
-- Reads: objects.
-- Parameters: none.
WITH fields AS (
    SELECT
        *,
        from_json(object, '{
        "interaction_id": "JSON", "timestamp": "JSON", "query": "JSON", "answer": "JSON", "agent_type": "JSON",
        "quality_scores": "JSON", "latency_ms": "JSON", "tools_used": "JSON", "error_occurred": "JSON",
        "session_id": "JSON", "user_id": "JSON", "sources": "JSON", "context": "JSON", "retrieval_method": "JSON",
        "error_message": "JSON", "tokens_used": "JSON", "cost_usd": "JSON", "user_rating": "JSON",
        "user_feedback": "JSON", "system": "JSON", "messages": "JSON", "category": "JSON", "task": "JSON",
        "segment": "JSON", "model": "JSON", "adapter": "JSON", "propensity": "JSON"}') AS f
    FROM objects
),

parsed AS (
    SELECT
        *,
        list_count([*COLUMNS(f.*)]) AS field_count,
        id_of(f.interaction_id) AS id,
        time_of(f.timestamp) AS moment,
        text_of(f.query) AS query,
        text_of(f.answer) AS answer,
        text_of(f.agent_type) AS agent,
        scores_of(f.quality_scores) AS reported_scores,
        metric_values(reported_scores) AS scores,
        number_of(f.latency_ms) AS latency_ms,
        texts_of(f.tools_used) AS tools,
        flag_of(f.error_occurred) AS failed,
        id_of(f.session_id) AS session_id,
        id_of(f.user_id) AS user_id,
        text_of(f.context) AS context,
        text_of(f.retrieval_method) AS retrieval_method,
        text_of(f.error_message) AS error_message,
        number_of(f.tokens_used) AS tokens,
        number_of(f.cost_usd) AS cost_usd,
        number_of(f.user_rating) AS rating,
        stars_value('user_rating', rating) AS stars,
        text_of(f.user_feedback) AS comment,
        text_of(f.system) AS system,
        messages_of(f.messages) AS messages,
        text_of(f.category) AS category,
        text_of(f.task) AS task,
        text_of(f.segment) AS segment,
        text_of(f.model) AS model,
        text_of(f.adapter) AS adapter,
        number_of(f.propensity) AS propensity
    FROM fields
),

checked AS (
    SELECT
        *,
        coalesce(
            no_fields(object, keys, field_count, line, reason, detail),
            required(f.interaction_id, id, 'interaction_id'),
            problem(f.timestamp IS NULL, 'missing_field', 'timestamp'), timely(f.timestamp, moment, 'timestamp'),
            required(f.query, query, 'query'),
            optional(f.answer, answer, 'answer'),
            required(f.agent_type, agent, 'agent_type'),
            optional(f.quality_scores, reported_scores, 'quality_scores'),
            in_metric_range(list_min(metric_numbers(reported_scores)), 'quality_scores'),
            in_metric_range(list_max(metric_numbers(reported_scores)), 'quality_scores'),
            optional(f.latency_ms, latency_ms, 'latency_ms'), within(latency_ms, 0, 1e12, 'latency_ms'),
            optional(f.tools_used, tools, 'tools_used'),
            optional(f.error_occurred, failed, 'error_occurred'),
            optional(f.error_message, error_message, 'error_message'),
            optional(f.session_id, session_id, 'session_id'),
            optional(f.user_id, user_id, 'user_id'),
            optional(f.context, context, 'context'),
            optional(f.retrieval_method, retrieval_method, 'retrieval_method'),
            optional(f.tokens_used, tokens, 'tokens_used'), within(tokens, 0, 1e12, 'tokens_used'),
            optional(f.cost_usd, cost_usd, 'cost_usd'),
            optional(f.user_rating, rating, 'user_rating'), on_scale('user_rating', rating, stars),
            optional(f.user_feedback, comment, 'user_feedback'),
            optional(f.system, system, 'system'),
            optional(f.messages, messages, 'messages'),
            optional(f.category, category, 'category'),
            optional(f.task, task, 'task'),
            optional(f.segment, segment, 'segment'),
            optional(f.model, model, 'model'),
            optional(f.adapter, adapter, 'adapter'),
            optional(f.propensity, propensity, 'propensity'), within(propensity, 1e-12, 1, 'propensity')
        ) AS fault
    FROM parsed
)

SELECT
    source_file,
    source_line,
    fault,
    line,
    'interaction' AS record,
    CASE WHEN fault IS NULL THEN {
        'interaction_id': id,
        'answered_at': moment,
        'prompt': list_concat(
            CASE WHEN system IS NOT NULL THEN [{'role': 'system', 'content': system}] ELSE [] END,
            coalesce(messages, []),
            [{'role': 'user', 'content': query}]
        ),
        'answer': answer,
        'context': context,
        'sources': cast(f.sources AS VARCHAR),
        'agent': agent,
        'category': category,
        'task': task,
        'segment': segment,
        'model': model,
        'adapter': adapter,
        'propensity': propensity,
        'quality_scores': scores,
        'raw_scores': raw_values(reported_scores),
        'latency_ms': latency_ms,
        'tokens': cast(tokens AS BIGINT),
        'cost_usd': cost_usd,
        'tools_used': tools,
        'retrieval_method': retrieval_method,
        'error': coalesce(failed, FALSE),
        'error_message': error_message,
        'session_id': session_id,
        'user_id': user_id
    } END AS interaction,
    CASE WHEN fault IS NULL THEN list_filter([
        CASE
            WHEN rating IS NOT NULL
                THEN struct_insert(feedback_of(id, moment, 'rating', stars, NULL, user_id), raw_value := rating)
        END,
        CASE
            WHEN comment IS NOT NULL
                THEN struct_insert(
                    feedback_of(id, moment, 'comment', NULL, comment, user_id), raw_value := cast(NULL AS DOUBLE)
                )
        END
    ], LAMBDA event: event IS NOT NULL) END AS feedback
FROM checked
