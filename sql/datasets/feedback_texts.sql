-- The texts that `named` numbers and a statement quotes.
-- Reads: named, statements.
-- Parameters: none.
SELECT
    shard,
    number,
    cast(NULL AS STRUCT(role VARCHAR, content VARCHAR)[]) AS prompt,
    quoted_text(number, preferred, rejected) AS answer
FROM named JOIN statements ON statements.rowid = quoting_statement(number)
WHERE number < 0
