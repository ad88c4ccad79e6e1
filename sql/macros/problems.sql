-- Why a line is rejected, as `reason:detail`; NULL if there is no problem.

CREATE OR REPLACE MACRO problem(applies, why, what) AS CASE WHEN applies THEN concat_ws(':', why, what) END;
CREATE OR REPLACE MACRO optional(j, parsed, field) AS problem(j IS NOT NULL AND parsed IS NULL, 'wrong_type', field);
CREATE OR REPLACE MACRO required(j, parsed, field) AS (
    CASE WHEN parsed IS NULL THEN concat(CASE WHEN j IS NULL THEN 'missing_field:' ELSE 'wrong_type:' END, field) END
);
CREATE OR REPLACE MACRO within(x, low, high, field) AS (
    problem(x < low OR x > high, 'out_of_range', concat(field, ' is not between ', low, ' and ', high))
);
-- Of a value that is on its metric's scale already.
CREATE OR REPLACE MACRO in_metric_range(x, field) AS problem(
    x < 0 OR x > 1,
    'out_of_range',
    concat(field, ' is not between 0 and 1, nor in a range that RL_ASSETS_METRICS names')
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
    problem(x < 0 OR x > 1, 'out_of_range', concat(metric, ' = ', raw, ' is not between ', stars_range(metric)))
);
CREATE OR REPLACE MACRO timely(j, parsed, field) AS problem(j IS NOT NULL AND parsed IS NULL, 'bad_timestamp', field);
CREATE OR REPLACE MACRO reason_of(fault) AS split_part(fault, ':', 1);
CREATE OR REPLACE MACRO detail_of(fault) AS nullif(substr(fault, length(reason_of(fault)) + 2), '');

-- Why a line of `objects` has no fields to parse. If a key occurs twice at the top level, the intended value is
-- unknown. If there are as many keys as fields (`field_count`), all keys differ.
CREATE OR REPLACE MACRO no_fields(object, keys, field_count, line, reason, detail) AS (
    CASE
        WHEN object IS NULL
            THEN
                CASE
                    WHEN reason IS NOT NULL THEN concat_ws(':', reason, detail)
                    WHEN NOT json_valid(line) THEN 'not_json'
                    ELSE concat('not_an_object:', json_type(line))
                END
        WHEN len(keys) <> field_count THEN CASE WHEN len(keys) <> list_unique(keys) THEN 'duplicate_key' END
    END
);

-- The part of a rejected line that is kept.
CREATE OR REPLACE MACRO first_characters(line) AS rtrim(left(line, 4096), chr(10));
