-- Macros shared by the other files: strict readings of JSON values, and comparisons that hold at a threshold.
-- A reading is NULL where the value is missing or of another type; `required` and `optional` tell the two apart.
-- Casts are tried: both sides of an AND are evaluated on every row, so a test beside a cast does not guard it.

-- Without outer whitespace of any kind; `trim` knows the space only. Most texts have none, and are not searched for it:
-- they begin and end with a sign of ASCII. The last byte tells, since finding the last letter means counting them all.
CREATE OR REPLACE MACRO is_inner(letter) AS unicode(letter) BETWEEN 33 AND 126;
CREATE OR REPLACE MACRO is_trim(words) AS
    is_inner(words) AND encode(words)[-1:] BETWEEN CAST('\x21' AS BLOB) AND CAST('\x7E' AS BLOB);
CREATE OR REPLACE MACRO stripped(words) AS
    CASE WHEN is_trim(words) THEN words
         ELSE regexp_replace(words, '^[\s\v\x1c-\x1f\x85\p{Z}]+|[\s\v\x1c-\x1f\x85\p{Z}]+$', '', 'g') END;

-- The first sign of a JSON value tells its type, so that texts are parsed once.
CREATE OR REPLACE MACRO is_text(j) AS starts_with(CAST(j AS VARCHAR), '"');
CREATE OR REPLACE MACRO is_list(j) AS starts_with(CAST(j AS VARCHAR), '[');
CREATE OR REPLACE MACRO is_object(j) AS starts_with(CAST(j AS VARCHAR), '{');
-- Nothing but whitespace, or nothing at all; stops at the first character that is none.
CREATE OR REPLACE MACRO is_blank(words) AS
    NOT coalesce(is_inner(words) OR regexp_matches(words, '[^\s\v\x1c-\x1f\x85\p{Z}]'), false);

CREATE OR REPLACE MACRO text_of(j) AS CASE WHEN is_text(j) THEN j ->> '$' END;

-- Ids are text; whole numbers are read as text because many systems number their rows.
CREATE OR REPLACE MACRO id_of(j) AS
    nullif(stripped(CASE WHEN is_text(j) OR json_type(j) IN ('UBIGINT', 'BIGINT') THEN j ->> '$' END), '');

-- Numbers, also as strings ("0.5"); never booleans, infinities or NaN.
CREATE OR REPLACE MACRO finite(x) AS CASE WHEN isfinite(x) THEN x END;
CREATE OR REPLACE MACRO number_of(j) AS
    finite(try_cast(CASE WHEN is_text(j) THEN j ->> '$' ELSE CAST(j AS VARCHAR) END AS DOUBLE));

-- Booleans, also as 0 and 1.
CREATE OR REPLACE MACRO flag_of(j) AS
    CASE CAST(j AS VARCHAR) WHEN 'true' THEN true WHEN '1' THEN true WHEN 'false' THEN false WHEN '0' THEN false END;

-- ISO 8601 with a zone or without (then UTC), unix seconds, or unix milliseconds, also as strings; from the year 2000 to
-- 2100.
CREATE OR REPLACE MACRO time_between(t) AS
    CASE WHEN t >= TIMESTAMPTZ '2000-01-01 00:00:00Z' AND t < TIMESTAMPTZ '2100-01-01 00:00:00Z' THEN t END;
CREATE OR REPLACE MACRO time_of(j) AS
    time_between(CASE
        WHEN is_text(j) AND number_of(j) IS NULL THEN try_cast(j ->> '$' AS TIMESTAMPTZ)
        WHEN number_of(j) BETWEEN 0 AND 1e11 THEN to_timestamp(number_of(j))
        WHEN number_of(j) BETWEEN 1e11 AND 1e14 THEN to_timestamp(number_of(j) / 1000) END);

CREATE OR REPLACE MACRO texts_of(j) AS
    CASE WHEN is_list(j) AND NOT list_has_any(json_type(j, '$[*]'), ['BOOLEAN', 'NULL', 'OBJECT', 'ARRAY', 'UBIGINT',
                                                                      'BIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE'])
         THEN try_cast(j AS VARCHAR[]) END;

-- Numbers that are all there and all finite; NaN sorts above every other number.
CREATE OR REPLACE MACRO finite_values(m) AS
    CASE WHEN len(map_values(m)) = list_count(map_values(m))
          AND isfinite(list_min(map_values(m))) IS NOT false AND isfinite(list_max(map_values(m))) IS NOT false
         THEN m END;

-- Named numbers; a name said twice makes them unreadable.
CREATE OR REPLACE MACRO scores_of(j) AS
    finite_values(CASE WHEN is_object(j) AND NOT list_has_any(json_type(j, '$.*'), ['BOOLEAN', 'NULL', 'OBJECT', 'ARRAY'])
                       THEN try_cast(j AS MAP(VARCHAR, DOUBLE)) END);

-- What the numbers of metrics mean. A product whose metrics have other ranges than [0, 1] replaces these (metrics.py).
CREATE OR REPLACE MACRO metric_value(metric, x) AS x;
CREATE OR REPLACE MACRO metric_dimension(metric) AS metric;
CREATE OR REPLACE MACRO metric_values(m) AS m;
CREATE OR REPLACE MACRO raw_values(m) AS CAST(NULL AS MAP(VARCHAR, DOUBLE));

-- Chat messages whose roles and contents are text.
CREATE OR REPLACE MACRO messages_of(j) AS
    CASE WHEN is_list(j)
          AND len(list_filter(try_cast(j AS JSON[]), lambda message:
                coalesce(json_type(message, '$.role'), '') <> 'VARCHAR'
                OR coalesce(json_type(message, '$.content'), '') <> 'VARCHAR'
                OR coalesce(message ->> '$.role', '') NOT IN ('system', 'user', 'assistant', 'tool'))) = 0
         THEN try_cast(j AS STRUCT(role VARCHAR, content VARCHAR)[]) END;

-- What is wrong with a line, as `reason:detail`.
CREATE OR REPLACE MACRO problem(found, why, what) AS CASE WHEN found THEN concat_ws(':', why, what) END;
CREATE OR REPLACE MACRO optional(j, reading, field) AS problem(j IS NOT NULL AND reading IS NULL, 'wrong_type', field);
CREATE OR REPLACE MACRO required(j, reading, field) AS
    CASE WHEN reading IS NULL THEN concat(CASE WHEN j IS NULL THEN 'missing_field:' ELSE 'wrong_type:' END, field) END;
CREATE OR REPLACE MACRO within(x, low, high, field) AS problem(x < low OR x > high, 'out_of_range', field);
CREATE OR REPLACE MACRO timely(j, reading, field) AS problem(j IS NOT NULL AND reading IS NULL, 'bad_timestamp', field);
CREATE OR REPLACE MACRO reason_of(fault) AS split_part(fault, ':', 1);
CREATE OR REPLACE MACRO detail_of(fault) AS nullif(substr(fault, length(reason_of(fault)) + 2), '');

-- At least, up to rounding: 1.0 - 0.8 reaches 0.2 here, and does not in floats.
CREATE OR REPLACE MACRO reaches(x, threshold) AS x >= threshold - 1e-9;

-- Why a line of `objects` has no fields to read; of a key said twice at the top level, which value was meant cannot be known.
-- Where there are as many keys as fields that were `found`, all of them differ.
CREATE OR REPLACE MACRO unread(object, keys, found, line, reason, detail) AS
    CASE WHEN object IS NULL THEN CASE
            WHEN reason IS NOT NULL THEN concat_ws(':', reason, detail)
            WHEN NOT json_valid(line) THEN 'not_json'
            ELSE concat('not_an_object:', json_type(line)) END
         WHEN len(keys) <> found THEN CASE WHEN len(keys) <> list_unique(keys) THEN 'duplicate_key' END END;

-- One act of feedback whose id is the hash of its content.
CREATE OR REPLACE MACRO identified(act) AS
    struct_insert(act, feedback_id := sha256(CAST(to_json(act) AS VARCHAR)));
CREATE OR REPLACE MACRO feedback_of(answer_id, moment, act_kind, x, words, who) AS identified({
    'interaction_id': answer_id, 'given_at': moment, 'kind': act_kind, 'value': CAST(x AS DOUBLE), 'dimension': 'overall',
    'source': 'human', 'preferred': CAST(NULL AS VARCHAR), 'rejected': CAST(NULL AS VARCHAR),
    'comment': CAST(words AS VARCHAR), 'rater': who});

-- The records a format gives: an answer, and acts of feedback.
CREATE OR REPLACE TEMP TYPE interaction_record AS STRUCT(
    interaction_id VARCHAR, answered_at TIMESTAMPTZ, prompt STRUCT(role VARCHAR, content VARCHAR)[], answer VARCHAR,
    context VARCHAR, sources VARCHAR, agent VARCHAR, category VARCHAR, task VARCHAR, segment VARCHAR, model VARCHAR,
    adapter VARCHAR, propensity DOUBLE, quality_scores MAP(VARCHAR, DOUBLE), raw_scores MAP(VARCHAR, DOUBLE),
    latency_ms DOUBLE, tokens BIGINT, cost_usd DOUBLE, tools_used VARCHAR[], retrieval_method VARCHAR, top_k BIGINT, error BOOLEAN,
    error_message VARCHAR, session_id VARCHAR, user_id VARCHAR);
CREATE OR REPLACE TEMP TYPE feedback_record AS STRUCT(
    feedback_id VARCHAR, interaction_id VARCHAR, given_at TIMESTAMPTZ, kind VARCHAR, value DOUBLE, raw_value DOUBLE,
    dimension VARCHAR,
    source VARCHAR, preferred VARCHAR, rejected VARCHAR, comment VARCHAR, rater VARCHAR);

-- Hash of everything that was said in a line's record.
CREATE OR REPLACE MACRO content_hash(record, interaction, feedback, answers) AS
    sha256(CAST(CASE record WHEN 'interaction' THEN to_json(interaction) WHEN 'tree' THEN to_json(answers)
                            ELSE to_json(feedback[1]) END AS VARCHAR));

-- What is kept of a refused line.
CREATE OR REPLACE MACRO beginning(line) AS rtrim(left(line, 4096), chr(10));

-- The split of a cluster of prompts, for every dataset and for ever: 90 % train, 5 % validation, 5 % test by the hash of
-- its key.
CREATE OR REPLACE MACRO split_of(key) AS
    CASE WHEN key IS NULL THEN NULL
         WHEN CAST('0x' || left(key, 8) AS UBIGINT) < 0.90 * 4294967296 THEN 'train'
         WHEN CAST('0x' || left(key, 8) AS UBIGINT) < 0.95 * 4294967296 THEN 'validation'
         ELSE 'test' END;

-- How much longer the longer of two texts is.
CREATE OR REPLACE MACRO length_ratio(a, b) AS greatest(a, b) / greatest(least(a, b), 1);

-- The different ones of two names in order, without those that are not known; lists of any length take three times as long.
CREATE OR REPLACE MACRO two_names(a, b) AS
    CASE WHEN a < b THEN [a, b] WHEN b < a THEN [b, a] WHEN coalesce(a, b) IS NULL THEN [] ELSE [coalesce(a, b)] END;

-- Roles of a prompt that every chat template can render: an optional system turn, then user and assistant in turns.
CREATE OR REPLACE MACRO is_chat_prompt(roles) AS regexp_full_match(roles, '(system )?user( assistant user)*');

-- Equal answers, whatever whitespace surrounds them, share a key.
CREATE OR REPLACE MACRO answer_key(answer) AS sha256(stripped(answer));

-- A sha256 as a number of 128 bits, which is compared and grouped faster than its 64 characters.
CREATE OR REPLACE MACRO short_key(digest) AS CAST(left(digest, 32) AS UUID);

-- Whether the place (from 0) is one of n that lie evenly over `size` places, the first and the last included.
CREATE OR REPLACE MACRO spread(place, size, n) AS
    size <= n OR round(round(place * (n - 1) / (size - 1)) * (size - 1) / (n - 1)) = place;

-- Prompts in the order of their short keys are cut into n slices, counted from 0.
CREATE OR REPLACE MACRO slice_of(prompt, n) AS CAST('0x' || left(CAST(prompt AS VARCHAR), 4) AS INTEGER) * n // 65536;

-- Texts are numbered as their answers are, and those that a statement quotes below zero: by its place in `statements`.
CREATE OR REPLACE MACRO preferred_number(statement) AS -2 * statement - 1;
CREATE OR REPLACE MACRO rejected_number(statement) AS -2 * statement - 2;
CREATE OR REPLACE MACRO quoted_text(number, preferred, rejected) AS
    CASE WHEN number % 2 = 0 THEN rejected ELSE preferred END;
CREATE OR REPLACE MACRO quoting_statement(number) AS (-number - 1) // 2;
