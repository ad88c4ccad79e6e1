-- Feedback events and hashes of the records that a log format gives.

-- One feedback event whose id is the hash of its content.
CREATE OR REPLACE MACRO identified(event) AS (
    struct_insert(event, feedback_id := sha256(cast(to_json(event) AS VARCHAR)))
);
CREATE OR REPLACE MACRO feedback_of(answer_id, moment, event_kind, x, words, who) AS identified({
    'interaction_id': answer_id,
    'given_at': moment,
    'kind': event_kind,
    'value': cast(x AS DOUBLE),
    'dimension': 'overall',
    'source': 'human', 'preferred': cast(NULL AS VARCHAR), 'rejected': cast(NULL AS VARCHAR),
    'comment': cast(words AS VARCHAR), 'rater': who
});

-- One feedback event of a human with an id of its own; a comparison names the answer that was shown first.
CREATE OR REPLACE MACRO feedback_event(
    id, answer_id, moment, event_kind, x, raw, of_dimension, better, worse, words, who, first_shown, other_id, took,
    taken_away
) AS {
    'feedback_id': id,
    'interaction_id': answer_id,
    'given_at': moment,
    'kind': event_kind,
    'value': cast(x AS DOUBLE),
    'raw_value': cast(raw AS DOUBLE),
    'dimension': of_dimension,
    'source': 'human',
    'preferred': cast(better AS VARCHAR),
    'rejected': cast(worse AS VARCHAR),
    'comment': cast(words AS VARCHAR),
    'rater': who,
    'shown_first': cast(first_shown AS VARCHAR),
    'other_interaction_id': cast(other_id AS VARCHAR),
    'seconds': cast(took AS DOUBLE),
    'retracts': cast(taken_away AS VARCHAR)
};

-- An answer as JSON. Columns that later versions added are left out while all are null: an answer of an old log that
-- lands again has the content that it had.
CREATE OR REPLACE MACRO answer_content(answer) AS replace(
    cast(to_json(answer) AS VARCHAR),
    concat(
        ',"assigned_arm":null,"drawn":null,"arms":null,"policy_version":null,"first_token_ms":null,',
        '"fallback_reason":null}'
    ),
    '}'
);

-- A feedback event as JSON, likewise.
CREATE OR REPLACE MACRO event_content(event) AS replace(
    cast(to_json(event) AS VARCHAR),
    ',"shown_first":null,"other_interaction_id":null,"seconds":null,"retracts":null}',
    '}'
);

-- Hash of everything that a line's record contains.
CREATE OR REPLACE MACRO content_hash(record, interaction, feedback, answers) AS (
    sha256(cast(CASE record
        WHEN 'interaction' THEN to_json(interaction) WHEN 'tree' THEN to_json(answers)
        ELSE to_json(feedback[1])
    END AS VARCHAR))
);

-- What makes copies of an answer, or of a tree of answers, the same: hashes of its prompts, answers and users, sorted.
-- A prompt, an answer or a user that is missing from one copy differs from none.
CREATE OR REPLACE MACRO texts_of_answer(answer) AS list_filter([
    CASE
        WHEN answer.prompt IS NOT NULL
            THEN sha256(cast(to_json([to_json(answer.interaction_id), to_json(answer.prompt)]) AS VARCHAR))
    END,
    CASE WHEN answer.answer IS NOT NULL THEN sha256(concat_ws(chr(31), answer.interaction_id, answer.answer)) END,
    CASE WHEN answer.user_id IS NOT NULL THEN sha256(concat_ws(chr(30), answer.interaction_id, answer.user_id)) END
], LAMBDA digest: digest IS NOT NULL);
CREATE OR REPLACE MACRO texts_of_answers(interaction, answers) AS (
    CASE
        WHEN interaction IS NOT NULL THEN list_sort(texts_of_answer(interaction))
        ELSE list_sort(flatten(list_transform(answers, LAMBDA answer: texts_of_answer(answer))))
    END
);

-- How much a record contains: its fields that are not null, its judge scores and the tools that it names.
CREATE OR REPLACE MACRO filled_fields(answer) AS (
    len(list_filter(json_extract(to_json(answer), '$.*'), LAMBDA field: cast(field AS VARCHAR) <> 'null'))
    + coalesce(cardinality(answer.quality_scores), 0) + coalesce(len(answer.tools_used), 0)
);
