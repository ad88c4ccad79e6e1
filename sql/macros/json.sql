-- Strict parsers of JSON values. The result is NULL if the value is missing or of another type; `required` and
-- `optional` in problems.sql distinguish the two. Casts are always TRY casts: both sides of an AND are evaluated on
-- every row, so a condition next to a cast does not guard it.

-- The first character of a JSON value determines its type, so that texts are parsed once.
CREATE OR REPLACE MACRO is_text(j) AS starts_with(cast(j AS VARCHAR), '"');
CREATE OR REPLACE MACRO is_list(j) AS starts_with(cast(j AS VARCHAR), '[');
CREATE OR REPLACE MACRO is_object(j) AS starts_with(cast(j AS VARCHAR), '{');

CREATE OR REPLACE MACRO text_of(j) AS CASE WHEN is_text(j) THEN j ->> '$' END;

-- Ids are text; whole numbers are read as text because many systems number their rows, also those that a data frame
-- with missing values made 12.0.
CREATE OR REPLACE MACRO id_of(j) AS (
    nullif(stripped(CASE
        WHEN is_text(j) OR json_type(j) IN ('UBIGINT', 'BIGINT') THEN j ->> '$'
        WHEN json_type(j) = 'DOUBLE' AND regexp_full_match(cast(j AS VARCHAR), '-?[0-9]{1,15}\.0')
            THEN regexp_replace(cast(j AS VARCHAR), '\.0$', '')
    END), '')
);

-- Numbers, also as strings ("0.5"); never booleans, infinities or NaN.
CREATE OR REPLACE MACRO finite(x) AS CASE WHEN isfinite(x) THEN x END;
CREATE OR REPLACE MACRO number_of(j) AS (
    finite(try_cast(CASE WHEN is_text(j) THEN j ->> '$' ELSE cast(j AS VARCHAR) END AS DOUBLE))
);

-- Booleans, also as 0 and 1.
CREATE OR REPLACE MACRO flag_of(j) AS (
    CASE cast(j AS VARCHAR) WHEN 'true' THEN TRUE WHEN '1' THEN TRUE WHEN 'false' THEN FALSE WHEN '0' THEN FALSE END
);

-- ISO 8601 with a zone or without (then UTC), unix seconds, or unix milliseconds, also as strings; between the years
-- 2000 and 2100.
CREATE OR REPLACE MACRO time_between(t) AS (
    CASE WHEN t >= TIMESTAMPTZ '2000-01-01 00:00:00Z' AND t < TIMESTAMPTZ '2100-01-01 00:00:00Z' THEN t END
);
CREATE OR REPLACE MACRO time_of(j) AS (
    time_between(CASE
        WHEN is_text(j) AND number_of(j) IS NULL THEN try_cast(j ->> '$' AS TIMESTAMPTZ)
        WHEN number_of(j) BETWEEN 0 AND 1e11 THEN to_timestamp(number_of(j))
        WHEN number_of(j) BETWEEN 1e11 AND 1e14 THEN to_timestamp(number_of(j) / 1000)
    END)
);

CREATE OR REPLACE MACRO texts_of(j) AS (
    CASE
        WHEN
            is_list(j) AND NOT list_has_any(json_type(
                j, '$[*]'), [
                'BOOLEAN', 'NULL', 'OBJECT', 'ARRAY', 'UBIGINT',
                'BIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE'
            ])
            THEN try_cast(j AS VARCHAR[])
    END
);

-- Numbers that are all present and all finite; NaN sorts above every other number.
CREATE OR REPLACE MACRO finite_values(m) AS (
    CASE
        WHEN
            len(map_values(m)) = list_count(map_values(m))
            AND isfinite(list_min(map_values(m))) IS NOT FALSE AND isfinite(list_max(map_values(m))) IS NOT FALSE
            THEN m
    END
);

-- Numbers by name; a name that occurs twice makes them NULL.
CREATE OR REPLACE MACRO scores_of(j) AS (
    finite_values(CASE
        WHEN is_object(j) AND NOT list_has_any(json_type(j, '$.*'), ['BOOLEAN', 'NULL', 'OBJECT', 'ARRAY'])
            THEN try_cast(j AS MAP (VARCHAR, DOUBLE))
    END)
);

-- Chat messages whose roles and contents are text.
CREATE OR REPLACE MACRO messages_of(j) AS (
    CASE
        WHEN
            is_list(j)
            AND len(list_filter(
                try_cast(j AS JSON[]), LAMBDA message:
                coalesce(json_type(message, '$.role'), '') <> 'VARCHAR'
                OR coalesce(json_type(message, '$.content'), '') <> 'VARCHAR'
                OR coalesce(message ->> '$.role', '') NOT IN ('system', 'user', 'assistant', 'tool')
            )) = 0
            THEN try_cast(j AS STRUCT(role VARCHAR, content VARCHAR)[])
    END
);
