-- The texts that `named` numbers and a statement quotes. Reads `named` and `statements`.
SELECT slice, number, CAST(NULL AS STRUCT(role VARCHAR, content VARCHAR)[]) AS prompt,
    quoted_text(number, preferred, rejected) AS answer
FROM named JOIN statements ON statements.rowid = quoting_statement(number)
WHERE number < 0
