-- Log format `reward_log`: questions and rewards share one file.
-- A query row {interaction_id, question, agent, category?, top_k?, num_sources?, timestamp?, answer?, context?,
--  sources?, segment?, task?, session_id?, adapter?, propensity?, assigned_arm?, drawn?, arms{}? (arm -> probability,
--  in all 1), policy_version?} or a feedback row {type: "feedback", interaction_id, reward in [0, 1] or its
--  dimension's range, timestamp?, dimension?,
--  source? (that of the metric, or human by default; verifier, judge, synthetic), user_id?}, or a row
--  {type: "retraction", interaction_id, timestamp?, dimension?, source?, user_id?} that takes away what its rater said
--  before.
-- The time of a row without a timestamp is the start of its day ($day).
-- Reads: objects.
-- Parameters: $day.
WITH fields AS (
    SELECT
        *,
        from_json(object, '{
        "type": "JSON", "interaction_id": "JSON", "question": "JSON", "agent": "JSON", "category": "JSON",
        "top_k": "JSON", "num_sources": "JSON", "timestamp": "JSON", "answer": "JSON", "context": "JSON",
        "sources": "JSON", "segment": "JSON", "task": "JSON", "reward": "JSON", "dimension": "JSON",
        "source": "JSON", "user_id": "JSON", "session_id": "JSON", "adapter": "JSON", "propensity": "JSON",
        "assigned_arm": "JSON", "drawn": "JSON", "arms": "JSON", "policy_version": "JSON"}') AS f
    FROM objects
),

parsed AS (
    SELECT
        *,
        list_count([*COLUMNS(f.*)]) AS field_count,
        f.type IS NOT NULL AS is_feedback,
        text_of(f.type) AS type,
        id_of(f.interaction_id) AS id,
        time_of(f.timestamp) AS moment,
        text_of(f.question) AS question,
        text_of(f.agent) AS agent,
        label_of(f.category) AS category,
        number_of(f.top_k) AS top_k,
        text_of(f.answer) AS answer,
        text_of(f.context) AS context,
        label_of(f.segment) AS segment,
        label_of(f.task) AS task,
        number_of(f.reward) AS reported_reward,
        label_of(f.dimension) AS dimension,
        coalesce(dimension, 'overall') AS metric,
        metric_value(metric, reported_reward) AS reward,
        label_of(f.source) AS source,
        id_of(f.user_id) AS user_id,
        id_of(f.session_id) AS session_id,
        label_of(f.adapter) AS adapter,
        number_of(f.propensity) AS propensity,
        label_of(f.assigned_arm) AS assigned_arm,
        flag_of(f.drawn) AS drawn,
        scores_of(f.arms) AS arms,
        id_of(f.policy_version) AS policy_version
    FROM fields
),

checked AS (
    SELECT
        *,
        coalesce(
            no_fields(
                object, keys, field_count, line, reason, detail, braces - cast(arms IS NOT NULL AS INTEGER)
            ),
            CASE WHEN is_feedback THEN one_of(type, ['feedback', 'retraction'], 'type') END,
            required(f.interaction_id, id, 'interaction_id'),
            CASE WHEN NOT is_missing(f.timestamp) THEN timely(f.timestamp, moment, 'timestamp') END,
            CASE
                WHEN is_feedback
                    THEN
                        coalesce(
                            CASE WHEN type = 'feedback' THEN required(f.reward, reported_reward, 'reward') END,
                            in_metric_range(metric, reported_reward, reward),
                            optional(f.dimension, dimension, 'dimension'),
                            optional(f.user_id, user_id, 'user_id'),
                            CASE
                                WHEN NOT is_missing(f.source)
                                    THEN one_of(source, ['human', 'verifier', 'judge', 'synthetic'], 'source')
                            END
                        )
                ELSE coalesce(
                    required(f.question, question, 'question'),
                    required(f.agent, agent, 'agent'),
                    optional(f.category, category, 'category'),
                    optional(f.top_k, top_k, 'top_k'), within(top_k, 0, 1000000000, 'top_k'),
                    optional(f.answer, answer, 'answer'),
                    optional(f.context, context, 'context'),
                    optional(f.segment, segment, 'segment'),
                    optional(f.task, task, 'task'),
                    optional(f.session_id, session_id, 'session_id'),
                    optional(f.adapter, adapter, 'adapter'),
                    optional(f.propensity, propensity, 'propensity'), within(propensity, 1e-12, 1, 'propensity'),
                    optional(f.assigned_arm, assigned_arm, 'assigned_arm'),
                    optional(f.drawn, drawn, 'drawn'),
                    optional(f.arms, arms, 'arms'), probabilities(arms, 'arms'),
                    optional(f.policy_version, policy_version, 'policy_version')
                )
            END
        ) AS fault,
        coalesce(moment, cast($day AS TIMESTAMPTZ)) AS happened_at
    FROM parsed
)

SELECT
    source_file,
    source_line,
    fault,
    line,
    unread_fields(keys, field_count, struct_keys(f)) AS fields,
    cast(NULL AS VARCHAR[]) AS notes,
    CASE WHEN is_feedback THEN 'feedback' ELSE 'interaction' END AS record,
    CASE WHEN fault IS NULL AND NOT is_feedback THEN {
        'interaction_id': id,
        'answered_at': happened_at,
        'prompt': [{'role': 'user', 'content': question}],
        'answer': answer,
        'context': context,
        'sources': cast(f.sources AS VARCHAR),
        'agent': agent,
        'category': category,
        'task': task,
        'segment': segment,
        'adapter': adapter,
        'propensity': propensity,
        'top_k': cast(top_k AS BIGINT),
        'error': FALSE,
        'session_id': session_id,
        'assigned_arm': assigned_arm,
        'drawn': drawn,
        'arms': sorted_object(arms),
        'policy_version': policy_version
    } END AS interaction,
    CASE WHEN fault IS NULL AND is_feedback THEN [struct_insert(identified({
        'interaction_id': id,
        'given_at': happened_at,
        'kind': CASE type WHEN 'retraction' THEN 'retraction' ELSE 'reward' END,
        'value': CASE type WHEN 'feedback' THEN reward END,
        'dimension': metric_dimension(metric),
        'source': coalesce(source, metric_source(metric), 'human'),
        'preferred': cast(NULL AS VARCHAR),
        'rejected': cast(NULL AS VARCHAR),
        'comment': cast(NULL AS VARCHAR),
        'rater': user_id
    }), raw_value := CASE WHEN reward <> reported_reward THEN reported_reward END)] ELSE [] END AS feedback
FROM checked
