-- Log format `interaction_log`: one answer per line.
-- {interaction_id, timestamp, query, answer?, agent_type, quality_scores{}?, latency_ms?, tools_used[]?,
--  error_occurred?, session_id?, user_id?, sources[]?, context?, retrieval_method?, error_message?, tokens_used?,
--  cost_usd?, user_rating? (1 to 5, or the range of the metric `user_rating`), user_feedback? (text), system?,
--  messages? (the turns before, as a chat has them), category?, task?, segment?, model?, adapter?, propensity?,
--  assigned_arm?, drawn?, arms{}? (arm -> probability, in all 1), policy_version?, first_token_ms?, fallback_reason?,
--  finish_reason?}
-- Messages that hold the query already, with calls of tools or the answer after it, are the conversation of the answer.
-- A rating and a comment become rows of feedback. A score or rating off its scale, or that is no number, is dropped
-- and noted (`notes`); the answer is kept.
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
        "segment": "JSON", "model": "JSON", "adapter": "JSON", "propensity": "JSON", "assigned_arm": "JSON",
        "drawn": "JSON", "arms": "JSON", "policy_version": "JSON", "first_token_ms": "JSON",
        "fallback_reason": "JSON", "finish_reason": "JSON"}') AS f
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
        scores_of(f.quality_scores) AS all_scores,
        number_of(f.latency_ms) AS latency_ms,
        texts_of(f.tools_used) AS tools,
        flag_of(f.error_occurred) AS failed,
        id_of(f.session_id) AS session_id,
        id_of(f.user_id) AS user_id,
        text_of(f.context) AS context,
        label_of(f.retrieval_method) AS retrieval_method,
        label_of(f.error_message) AS error_message,
        number_of(f.tokens_used) AS tokens,
        number_of(f.cost_usd) AS cost_usd,
        number_of(f.user_rating) AS rating,
        label_of(f.user_feedback) AS comment,
        text_of(f.system) AS system,
        messages_of(f.messages) AS messages,
        label_of(f.category) AS category,
        label_of(f.task) AS task,
        label_of(f.segment) AS segment,
        label_of(f.model) AS model,
        label_of(f.adapter) AS adapter,
        number_of(f.propensity) AS propensity,
        label_of(f.assigned_arm) AS assigned_arm,
        flag_of(f.drawn) AS drawn,
        scores_of(f.arms) AS arms,
        id_of(f.policy_version) AS policy_version,
        number_of(f.first_token_ms) AS first_token_ms,
        label_of(f.fallback_reason) AS fallback_reason,
        label_of(f.finish_reason) AS finish_reason
    FROM fields
),

-- Expressions that others use have a SELECT of their own: within one, each use would be planned again.
numbered AS (
    SELECT
        *,
        stars_value('user_rating', rating) AS stars,
        all_scores IS NULL AND is_object(f.quality_scores) AS has_odd_scores,
        CASE WHEN has_odd_scores THEN usable_scores(f.quality_scores) ELSE all_scores END AS numeric_scores
    FROM parsed
),

scaled AS (
    SELECT
        *,
        coalesce(
            list_min(metric_numbers(numeric_scores)) < 0 OR list_max(metric_numbers(numeric_scores)) > 1, FALSE
        ) AS is_score_off_scale,
        CASE
            WHEN is_score_off_scale
                THEN
                    map_from_entries(
                        list_filter(map_entries(numeric_scores), LAMBDA score: NOT is_off_scale(score))
                    )
            ELSE numeric_scores
        END AS reported_scores
    FROM numbered
),

checked AS (
    SELECT
        *,
        coalesce(
            no_fields(
                object, keys, field_count, line, reason, detail,
                braces - cast(coalesce(is_object(f.quality_scores), FALSE) AS INTEGER)
                - cast(arms IS NOT NULL AS INTEGER)
            ),
            CASE
                WHEN has_odd_scores
                    THEN 'duplicate_key:' || duplicate_key(cast(f.quality_scores AS VARCHAR))
            END,
            required(f.interaction_id, id, 'interaction_id'),
            problem(f.timestamp IS NULL, 'missing_field', 'timestamp'), timely(f.timestamp, moment, 'timestamp'),
            required(f.query, query, 'query'),
            optional(f.answer, answer, 'answer'),
            required(f.agent_type, agent, 'agent_type'),
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
            optional(f.system, system, 'system'),
            problem(messages IS NULL AND NOT is_missing(f.messages), 'wrong_type', messages_error(f.messages)),
            optional(f.category, category, 'category'),
            optional(f.task, task, 'task'),
            optional(f.segment, segment, 'segment'),
            optional(f.model, model, 'model'),
            optional(f.adapter, adapter, 'adapter'),
            optional(f.propensity, propensity, 'propensity'), within(propensity, 1e-12, 1, 'propensity'),
            optional(f.assigned_arm, assigned_arm, 'assigned_arm'),
            optional(f.drawn, drawn, 'drawn'),
            optional(f.arms, arms, 'arms'), probabilities(arms, 'arms'),
            optional(f.policy_version, policy_version, 'policy_version'),
            optional(f.first_token_ms, first_token_ms, 'first_token_ms'),
            within(first_token_ms, 0, 1e12, 'first_token_ms'),
            optional(f.fallback_reason, fallback_reason, 'fallback_reason'),
            optional(f.finish_reason, finish_reason, 'finish_reason')
        ) AS fault,
        list_concat(
            CASE WHEN is_score_off_scale THEN off_scale_scores(numeric_scores) ELSE [] END,
            CASE WHEN has_odd_scores THEN unread_scores(f.quality_scores) ELSE [] END,
            unread(f.quality_scores, numeric_scores, 'quality_scores', 'object of scores'),
            unread(f.user_rating, rating, 'user_rating', 'number'),
            note(
                coalesce(stars < 0 OR stars > 1, FALSE), off_scale('user_rating', rating, stars_range('user_rating'))
            ),
            unread(f.user_feedback, comment, 'user_feedback', 'text')
        ) AS notes
    FROM scaled
)

SELECT
    source_file,
    source_line,
    fault,
    line,
    unread_fields(keys, field_count, struct_keys(f)) AS fields,
    CASE WHEN fault IS NULL AND len(notes) > 0 THEN notes END AS notes,
    'interaction' AS record,
    CASE WHEN fault IS NULL THEN {
        'interaction_id': id,
        'answered_at': moment,
        'prompt': list_concat(
            system_turn(system, messages),
            CASE
                WHEN messages IS NULL THEN [{'role': 'user', 'content': query}]
                ELSE conversation_of(messages, query, answer)
            END
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
        'quality_scores': metric_values(reported_scores),
        'raw_scores': raw_values(reported_scores),
        'latency_ms': latency_ms,
        'tokens': cast(tokens AS BIGINT),
        'cost_usd': cost_usd,
        'tools_used': tools,
        'retrieval_method': retrieval_method,
        'error': coalesce(failed, FALSE),
        'error_message': error_message,
        'session_id': session_id,
        'user_id': user_id,
        'assigned_arm': assigned_arm,
        'drawn': drawn,
        'arms': sorted_object(arms),
        'policy_version': policy_version,
        'first_token_ms': first_token_ms,
        'fallback_reason': fallback_reason,
        'finish_reason': finish_reason
    } END AS interaction,
    CASE WHEN fault IS NULL THEN list_filter([
        CASE
            WHEN stars BETWEEN 0 AND 1
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
