-- Why a line is rejected, as `reason:detail`; NULL if there is no problem.

CREATE OR REPLACE MACRO problem(applies, why, what) AS CASE WHEN applies THEN concat_ws(':', why, what) END;
-- The beginning of a value, texts in quotes.
CREATE OR REPLACE MACRO shown(j) AS left(
    CASE WHEN is_text(j) THEN concat(chr(39), j ->> '$', chr(39)) ELSE cast(j AS VARCHAR) END, 50
);
CREATE OR REPLACE MACRO optional(j, parsed, field) AS (
    problem(CASE WHEN parsed IS NULL THEN NOT is_missing(j) END, 'wrong_type', field)
);
CREATE OR REPLACE MACRO required(j, parsed, field) AS (
    CASE WHEN parsed IS NULL THEN concat(CASE WHEN j IS NULL THEN 'missing_field:' ELSE 'wrong_type:' END, field) END
);
CREATE OR REPLACE MACRO within(x, low, high, field) AS (
    problem(x < low OR x > high, 'out_of_range', concat(field, ' is not between ', low, ' and ', high))
);
-- Probabilities by name, which sum to 1.
CREATE OR REPLACE MACRO probabilities(m, field) AS (
    coalesce(
        problem(
            list_min(map_values(m)) < 0 OR list_max(map_values(m)) > 1, 'out_of_range',
            concat(field, ' holds a probability that is not between 0 and 1')
        ),
        problem(cardinality(m) = 0, 'out_of_range', concat(field, ' names no arm')),
        problem(
            abs(list_sum(map_values(m)) - 1) > 1e-6, 'out_of_range',
            concat(field, ' sums to ', list_sum(map_values(m)), ', not to 1')
        )
    )
);
-- Of a number and the same number on its metric's scale.
CREATE OR REPLACE MACRO off_scale(metric, raw, bounds) AS concat(metric, ' = ', raw, ' is not between ', bounds);
CREATE OR REPLACE MACRO in_metric_range(metric, raw, x) AS (
    problem(x < 0 OR x > 1, 'out_of_range', off_scale(metric, raw, metric_range(metric)))
);
CREATE OR REPLACE MACRO one_of(given, allowed, field) AS problem(
    NOT coalesce(list_contains(allowed, given), FALSE),
    'unknown_kind',
    concat(
        field, coalesce(' ' || chr(39) || left(given, 50) || chr(39), ''), ' is none of ',
        array_to_string(allowed, ', ')
    )
);
CREATE OR REPLACE MACRO on_scale(metric, raw, x) AS (
    problem(x < 0 OR x > 1, 'out_of_range', off_scale(metric, raw, stars_range(metric)))
);
CREATE OR REPLACE MACRO timely(j, parsed, field) AS problem(
    j IS NOT NULL AND parsed IS NULL, 'bad_timestamp', concat(field, ' = ', shown(j))
);
CREATE OR REPLACE MACRO reason_of(fault) AS split_part(fault, ':', 1);
CREATE OR REPLACE MACRO detail_of(fault) AS nullif(substr(fault, length(reason_of(fault)) + 2), '');

-- Why a line of `objects` has no fields to parse. If a key occurs twice, the intended value is unknown. If there are as
-- many keys as fields (`field_count`), all keys differ; keys of objects in the object are compared if it has any, that
-- is if it has more than one brace (`braces`).
CREATE OR REPLACE MACRO no_fields(object, keys, field_count, line, reason, detail, braces) AS (
    CASE
        WHEN object IS NULL
            THEN
                CASE
                    WHEN reason IS NOT NULL THEN concat_ws(':', reason, detail)
                    WHEN NOT json_valid(line) THEN concat('not_json:', json_error(line))
                    ELSE concat('not_an_object:', json_type(line))
                END
        WHEN braces > 1 OR (len(keys) <> field_count AND len(keys) <> list_unique(keys))
            THEN 'duplicate_key:' || duplicate_key(object)
    END
);

-- All keys of an object that has some besides the `known` fields, in one text: which of its fields no format reads.
CREATE OR REPLACE MACRO unread_fields(keys, field_count, known) AS (
    CASE WHEN len(keys) <> field_count AND NOT list_has_all(known, keys) THEN array_to_string(keys, chr(31)) END
);

-- What an answer is kept without, as a list of one note or none: a value that is not what its field holds.
CREATE OR REPLACE MACRO note(applies, words) AS CASE WHEN applies THEN [words] ELSE [] END;
CREATE OR REPLACE MACRO unread(j, parsed, field, what) AS (
    note(CASE WHEN parsed IS NULL THEN NOT is_missing(j) END, concat(field, ' = ', shown(j), ' is no ', what))
);

-- The scores of an answer that are off their scale, and those that are no numbers; a null one is missing.
CREATE OR REPLACE MACRO is_off_scale(score) AS (
    metric_value(score.key, score.value) < 0 OR metric_value(score.key, score.value) > 1
);
CREATE OR REPLACE MACRO off_scale_scores(m) AS list_transform(
    list_filter(map_entries(m), LAMBDA score: is_off_scale(score)),
    LAMBDA score: off_scale(score.key, score.value, metric_range(score.key))
);
CREATE OR REPLACE MACRO unread_scores(j) AS list_transform(
    list_filter(
        members_of(j),
        LAMBDA member: number_of(member.value) IS NULL AND json_type(member.value) <> 'NULL'
        AND NOT is_missing(member.value)
    ),
    LAMBDA member: concat('quality_scores.', member.name, ' = ', shown(member.value), ' is no number')
);

-- The part of a rejected line that is kept.
CREATE OR REPLACE MACRO first_characters(line) AS rtrim(left(line, 4096), chr(10));
