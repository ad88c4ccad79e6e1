-- The sets of fields of the day's lines that have fields which their format does not read, as one text each.
-- Reads: parsed.
-- Parameters: none.
SELECT
    split_part(source_file, '/', 1) AS log_format,
    fields,
    count(*) AS lines
FROM parsed
WHERE fields IS NOT NULL
GROUP BY log_format, fields
