-- Strict parsers of JSON values. The result is NULL if the value is missing or of another type; `required` and
-- `optional` in problems.sql distinguish the two. Casts are always TRY casts: both sides of an AND are evaluated on
-- every row, so a condition next to a cast does not guard it.

-- The first character of a JSON value determines its type, so that texts are parsed once.
CREATE OR REPLACE MACRO is_text(j) AS starts_with(cast(j AS VARCHAR), '"');
CREATE OR REPLACE MACRO is_list(j) AS starts_with(cast(j AS VARCHAR), '[');
CREATE OR REPLACE MACRO is_object(j) AS starts_with(cast(j AS VARCHAR), '{');

CREATE OR REPLACE MACRO text_of(j) AS CASE WHEN is_text(j) THEN j ->> '$' END;

-- What stands for a missing value in a text: nothing that shows, or the word that data frames and databases write when
-- they make it a text. `MISSING` in rl_assets/ingest/parsers.py lists the same words. Macros use their arguments as few
-- times as they can: each use is planned apart.
CREATE OR REPLACE MACRO is_missing_text(words) AS regexp_full_match(
    words,
    concat('[', blank_characters(), ']*(nan|NaN|None|<NA>|NaT|null|NULL)?[', blank_characters(), ']*')
);
CREATE OR REPLACE MACRO is_missing(j) AS (j IS NULL OR coalesce(is_text(j) AND is_missing_text(j ->> '$'), FALSE));

-- Texts that name something, such as a category or a model, and comments.
CREATE OR REPLACE MACRO label_of(j) AS CASE WHEN is_text(j) AND NOT is_missing_text(j ->> '$') THEN j ->> '$' END;

-- Ids are text; whole numbers are read as text because many systems number their rows, also those that a data frame
-- with missing values made 12.0.
CREATE OR REPLACE MACRO whole_id(id) AS regexp_replace(id, '^(-?[0-9]{1,15})\.0$', '\1');
CREATE OR REPLACE MACRO id_of(j) AS (
    CASE
        WHEN is_text(j) THEN CASE WHEN NOT is_missing_text(j ->> '$') THEN whole_id(stripped(j ->> '$')) END
        WHEN json_type(j) IN ('UBIGINT', 'BIGINT') THEN j ->> '$'
        WHEN json_type(j) = 'DOUBLE'
            THEN nullif(regexp_extract(cast(j AS VARCHAR), '^(-?[0-9]{1,15})\.0$', 1), '')
    END
);

-- Numbers, also as strings ("0.5"); never booleans, infinities or NaN.
CREATE OR REPLACE MACRO finite(x) AS CASE WHEN isfinite(x) THEN x END;
CREATE OR REPLACE MACRO number_of(j) AS (
    finite(try_cast(CASE WHEN is_text(j) THEN j ->> '$' ELSE cast(j AS VARCHAR) END AS DOUBLE))
);

-- Booleans, also as 0 and 1 and as texts.
CREATE OR REPLACE MACRO flag_of(j) AS (
    CASE
        WHEN lower(trim(cast(j AS VARCHAR), '"')) IN ('true', '1', '1.0') THEN TRUE
        WHEN lower(trim(cast(j AS VARCHAR), '"')) IN ('false', '0', '0.0') THEN FALSE
    END
);

-- Times between the years 2000 and 2100, by the rule of rl_assets/ingest/times.py. The frequent spellings are read
-- here: ISO 8601 with a zone or without (then UTC), whole unix seconds and milliseconds, also as strings.
CREATE OR REPLACE MACRO time_between(t) AS (
    CASE WHEN t BETWEEN TIMESTAMPTZ '2000-01-01 00:00:00Z' AND TIMESTAMPTZ '2099-12-31 23:59:59.999999Z' THEN t END
);
CREATE OR REPLACE MACRO is_plain_time(words) AS regexp_full_match(
    words,
    '\d{4}-\d\d-\d\d[T ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-](0\d|1[0-4]):[0-5]\d)?'
);
CREATE OR REPLACE MACRO time_of(j) AS (
    time_between(CASE
        WHEN is_text(j) AND is_plain_time(j ->> '$') THEN try_cast(j ->> '$' AS TIMESTAMPTZ)
        WHEN regexp_full_match(cast(j AS VARCHAR), '"?\d{9,10}"?')
            THEN to_timestamp(try_cast(trim(cast(j AS VARCHAR), '"') AS DOUBLE))
        WHEN regexp_full_match(cast(j AS VARCHAR), '"?\d{12,13}"?')
            THEN cast(epoch_ms(try_cast(trim(cast(j AS VARCHAR), '"') AS BIGINT)) AS TIMESTAMPTZ)
        WHEN NOT (is_list(j) OR is_object(j)) THEN cast(make_timestamp(unix_microseconds(CASE
            -- A text of digits may be a date; as a number it is not.
            WHEN is_text(j) THEN j ->> '$' ELSE concat('+', cast(j AS VARCHAR))
        END)) AS TIMESTAMPTZ)
    END)
);

-- Texts; null ones are missing.
CREATE OR REPLACE MACRO texts_of(j) AS (
    CASE
        WHEN
            is_list(j) AND NOT list_has_any(json_type(
                j, '$[*]'), [
                'BOOLEAN', 'OBJECT', 'ARRAY', 'UBIGINT',
                'BIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE'
            ])
            THEN list_filter(try_cast(j AS VARCHAR[]), LAMBDA member: member IS NOT NULL)
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

-- A map as the text of an object whose names are sorted, so that equal maps are equal texts.
CREATE OR REPLACE MACRO sorted_object(m) AS CASE
    WHEN m IS NOT NULL THEN cast(to_json(map_from_entries(list_sort(map_entries(m)))) AS VARCHAR)
END;

-- The values of an object by name.
CREATE OR REPLACE MACRO members_of(j) AS list_transform(
    json_keys(j), LAMBDA name: {
        'name': name,
        'value': json_extract(j, concat('/', replace(replace(name, '~', '~0'), '/', '~1')))
    }
);

-- The scores of an object of which some are none; NULL if a name occurs twice.
CREATE OR REPLACE MACRO usable_scores(j) AS CASE
    WHEN len(json_keys(j)) = list_unique(json_keys(j)) THEN map_from_entries(list_transform(
        list_filter(members_of(j), LAMBDA member: number_of(member.value) IS NOT NULL),
        LAMBDA member: {'k': member.name, 'v': number_of(member.value)}
    ))
END;

-- Chat messages as turns. Those whose roles and contents are text are read here; others, such as contents in parts and
-- calls of tools, as in rl_assets/ingest/chat_messages.py.
CREATE OR REPLACE MACRO is_plain_messages(j) AS (
    NOT regexp_matches(cast(j AS VARCHAR), '"(tool_calls|function_call|refusal|audio|images)"')
    AND len(list_filter(
        try_cast(j AS JSON[]), LAMBDA message:
        coalesce(json_type(message, '$.role'), '') <> 'VARCHAR'
        OR coalesce(json_type(message, '$.content'), '') <> 'VARCHAR'
        OR coalesce(message ->> '$.role', '') NOT IN ('system', 'user', 'assistant', 'tool')
    )) = 0
);
CREATE OR REPLACE MACRO messages_of(j) AS (
    CASE
        WHEN NOT is_list(j) THEN NULL
        WHEN is_plain_messages(j) THEN try_cast(j AS STRUCT(role VARCHAR, content VARCHAR)[])
        ELSE try_cast(cast(chat_turns(cast(j AS VARCHAR)) AS JSON) AS STRUCT(role VARCHAR, content VARCHAR)[])
    END
);

-- The conversation that an answer answered: the turns before and the question. Turns that hold the question already, as
-- their last turn, also beside a picture, with calls of tools, or with the answer, are the conversation without that
-- answer.
CREATE OR REPLACE MACRO is_said_last(turns, question) AS coalesce(
    stripped(without_media(list_filter(turns, LAMBDA turn: turn.role = 'user')[-1].content)) = stripped(question),
    FALSE
);
CREATE OR REPLACE MACRO conversation_of(turns, question, answer) AS (
    CASE
        WHEN NOT is_said_last(turns, question) THEN list_append(turns, {'role': 'user', 'content': question})
        WHEN turns[-1].role IN ('user', 'tool') THEN turns
        WHEN turns[-1].role = 'assistant' AND stripped(turns[-1].content) = stripped(answer) THEN turns[:-2]
        ELSE list_append(turns, {'role': 'user', 'content': question})
    END
);

-- The system turn of a field apart, unless the turns begin with it.
CREATE OR REPLACE MACRO system_turn(system, turns) AS (
    CASE
        WHEN system IS NULL OR turns[1] = {'role': 'system', 'content': system} THEN []
        ELSE [{'role': 'system', 'content': system}]
    END
);
