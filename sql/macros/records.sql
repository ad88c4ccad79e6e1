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

-- Hash of everything that a line's record contains.
CREATE OR REPLACE MACRO content_hash(record, interaction, feedback, answers) AS (
    sha256(cast(CASE record
        WHEN 'interaction' THEN to_json(interaction) WHEN 'tree' THEN to_json(answers)
        ELSE to_json(feedback[1])
    END AS VARCHAR))
);
