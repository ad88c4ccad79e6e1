-- Texts: stripped of outer whitespace, and the keys of equal texts.

-- Without outer whitespace and invisible characters; `trim` knows the space only. What is blank stands in
-- rl_assets/core/blank.py, which makes the macro `blank_characters`. Most texts have none at their ends, and are not
-- searched for it: they begin and end with a sign of ASCII. The last byte tells, since finding the last letter means
-- counting them all.
CREATE OR REPLACE MACRO is_inner(letter) AS unicode(letter) BETWEEN 33 AND 126;
CREATE OR REPLACE MACRO is_trim(words) AS (
    is_inner(words) AND encode(words)[-1:] BETWEEN cast('\x21' AS BLOB) AND cast('\x7E' AS BLOB)
);
CREATE OR REPLACE MACRO without_blank_ends(words) AS (
    regexp_replace(words, concat('^[', blank_characters(), ']+|[', blank_characters(), ']+$'), '', 'g')
);
CREATE OR REPLACE MACRO stripped(words) AS CASE WHEN is_trim(words) THEN words ELSE without_blank_ends(words) END;
-- The same, and NULL if nothing is left.
CREATE OR REPLACE MACRO filled(words) AS (
    CASE WHEN is_trim(words) THEN words ELSE nullif(without_blank_ends(words), '') END
);

-- Whitespace and invisible characters only, or NULL; stops at the first character that shows.
CREATE OR REPLACE MACRO is_blank(words) AS (
    NOT coalesce(is_inner(words) OR regexp_matches(words, concat('[^', blank_characters(), ']')), FALSE)
);

-- Whether an answer shows nothing: it is blank, or consists of thoughts alone. The pattern `thoughts` stands in
-- rl_assets/core/blank.py too, and only answers with a tag of thoughts are searched for it.
CREATE OR REPLACE MACRO is_empty_answer(words) AS (
    CASE
        WHEN contains(words, '<think') OR contains(words, '</think') OR contains(words, 'THINK]')
            THEN is_blank(regexp_replace(words, thoughts(), ''))
        ELSE is_blank(words)
    END
);

-- Characters of an answer without outer whitespace; 0 for one that shows nothing.
CREATE OR REPLACE MACRO answer_length(words) AS (
    CASE WHEN is_empty_answer(words) THEN 0 ELSE length(stripped(words)) END
);

-- Whether a text holds a picture, a sound or a file: what `MEDIA` in rl_assets/ingest/message_parts.py marks, or bytes
-- in base64.
CREATE OR REPLACE MACRO has_media(words) AS (
    contains(words, concat(chr(65532), '{'))
    OR (
        contains(words, ';base64,')
        AND regexp_matches(words, 'data:[^\s;,]*(?:;[^\s;,]+)*;base64,[A-Za-z0-9+/=_-]{200}')
    )
);

-- A text without what `MEDIA` marks: each stands on a line of its own.
CREATE OR REPLACE MACRO without_media(words) AS (
    CASE
        WHEN contains(words, chr(65532)) THEN regexp_replace(words, concat('(^|\n)', chr(65532), '\{[^\n]*'), '', 'g')
        ELSE words
    END
);

-- Equal answers, whatever blank characters surround them, share a key.
CREATE OR REPLACE MACRO answer_key(answer) AS sha256(stripped(answer));

-- A sha256 as a number of 128 bits, which is compared and grouped faster than its 64 characters.
CREATE OR REPLACE MACRO short_key(digest) AS cast(left(digest, 32) AS UUID);

-- Ids in one form: a UUID in lower case without braces, a whole number without ".0"; others as they are.
CREATE OR REPLACE MACRO plain_id(id) AS (
    CASE
        WHEN regexp_full_match(id, '(?i)(urn:uuid:)?\{?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?')
            THEN trim(replace(lower(id), 'urn:uuid:', ''), '{}')
        WHEN ends_with(id, '.0') AND regexp_full_match(id, '[0-9]+\.0') THEN left(id, length(id) - 2)
        ELSE id
    END
);

-- Letters and digits of an id in lower case, without leading zeros: ids that are equal so far may be one.
CREATE OR REPLACE MACRO loose_id(id) AS (
    ltrim(regexp_replace(lower(plain_id(id)), '[^\p{L}\p{N}]', '', 'g'), '0')
);

-- Ids of pairs of answers in the review queue, which labels name: no answer of a log has such an id.
CREATE OR REPLACE MACRO is_review_pair(id) AS (
    regexp_full_match(id, 'review:[0-9a-f]{12}:[0-9a-f]{8}-[0-9a-f]{8}:\S+')
);

-- Ids of labels that answer an item of the active learning queue.
CREATE OR REPLACE MACRO is_queue_item(id) AS regexp_full_match(id, 'q-[0-9a-f]{16}');
