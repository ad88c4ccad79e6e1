-- Why a line is rejected, as `reason:detail`; NULL if there is no problem.

CREATE OR REPLACE MACRO problem(found, why, what) AS CASE WHEN found THEN concat_ws(':', why, what) END;
CREATE OR REPLACE MACRO optional(j, reading, field) AS problem(j IS NOT NULL AND reading IS NULL, 'wrong_type', field);
CREATE OR REPLACE MACRO required(j, reading, field) AS (
    CASE WHEN reading IS NULL THEN concat(CASE WHEN j IS NULL THEN 'missing_field:' ELSE 'wrong_type:' END, field) END
);
CREATE OR REPLACE MACRO within(x, low, high, field) AS problem(x < low OR x > high, 'out_of_range', field);
CREATE OR REPLACE MACRO timely(j, reading, field) AS problem(j IS NOT NULL AND reading IS NULL, 'bad_timestamp', field);
CREATE OR REPLACE MACRO reason_of(fault) AS split_part(fault, ':', 1);
CREATE OR REPLACE MACRO detail_of(fault) AS nullif(substr(fault, length(reason_of(fault)) + 2), '');

-- Why a line of `objects` has no fields to parse. If a key occurs twice at the top level, the intended value is
-- unknown. If there are as many keys as fields (`found`), all keys differ.
CREATE OR REPLACE MACRO unread(object, keys, found, line, reason, detail) AS (
    CASE
        WHEN object IS NULL
            THEN
                CASE
                    WHEN reason IS NOT NULL THEN concat_ws(':', reason, detail)
                    WHEN NOT json_valid(line) THEN 'not_json'
                    ELSE concat('not_an_object:', json_type(line))
                END
        WHEN len(keys) <> found THEN CASE WHEN len(keys) <> list_unique(keys) THEN 'duplicate_key' END
    END
);

-- What is kept of a rejected line.
CREATE OR REPLACE MACRO beginning(line) AS rtrim(left(line, 4096), chr(10));
