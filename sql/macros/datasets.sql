-- Shared by the dataset builders: splits, prompts that can be trained on, shards of prompts, and numbers of texts.

-- The split of a cluster of prompts, the same in every dataset and for ever: 90 % train, 5 % validation, 5 % test by a
-- hash of its key. The key itself is no fair draw: it is the smallest hash among the prompts of a day.
CREATE OR REPLACE MACRO train_share() AS cast(0.9 AS DOUBLE);
CREATE OR REPLACE MACRO split_draw(key) AS cast('0x' || left(sha256('split:' || key), 8) AS UBIGINT) / 4294967296;
CREATE OR REPLACE MACRO split_of(key) AS (
    CASE
        WHEN key IS NULL THEN NULL
        WHEN split_draw(key) < train_share() THEN 'train'
        WHEN split_draw(key) < 0.95 THEN 'validation'
        ELSE 'test'
    END
);

-- The split of a page of documentation: 75 % train, 5 % validation, 20 % test. Sites have few pages, and the gate needs
-- 20 held-out questions with an image.
CREATE OR REPLACE MACRO page_split_of(key) AS (
    CASE
        WHEN split_draw(key) < 0.75 THEN 'train'
        WHEN split_draw(key) < 0.8 THEN 'validation'
        ELSE 'test'
    END
);

-- How much longer the longer of two texts is.
CREATE OR REPLACE MACRO length_ratio(a, b) AS greatest(a, b) / greatest(least(a, b), 1);

-- The distinct names of two, sorted and without NULL; functions for lists of any length take three times as long.
CREATE OR REPLACE MACRO two_names(a, b) AS (
    CASE WHEN a < b THEN [a, b] WHEN b < a THEN [b, a] WHEN coalesce(a, b) IS NULL THEN [] ELSE [coalesce(a, b)] END
);

-- Roles of a prompt that every chat template can render: an optional system turn, then user and assistant in turns.
CREATE OR REPLACE MACRO is_chat_prompt(roles) AS regexp_full_match(roles, '(system )?user( assistant user)*');

-- Whether the index i (from 0) is one of n that lie evenly over `size` positions, the first and the last included.
CREATE OR REPLACE MACRO spread(i, size, n) AS (
    size <= n OR round(round(i * (n - 1) / (size - 1)) * (size - 1) / (n - 1)) = i
);

-- Prompts in the order of their short keys are cut into n shards, counted from 0.
CREATE OR REPLACE MACRO shard_of(prompt, n) AS cast('0x' || left(cast(prompt AS VARCHAR), 4) AS INTEGER) * n // 65536;

-- Texts are numbered as their answers are, and those that a statement quotes below zero: by its position in
-- `statements`.
CREATE OR REPLACE MACRO preferred_number(statement) AS -2 * statement - 1;
CREATE OR REPLACE MACRO rejected_number(statement) AS -2 * statement - 2;
CREATE OR REPLACE MACRO quoted_text(number, preferred, rejected) AS (
    CASE WHEN number % 2 = 0 THEN rejected ELSE preferred END
);
CREATE OR REPLACE MACRO quoting_statement(number) AS (-number - 1) // 2;
