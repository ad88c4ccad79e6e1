-- The lines of a day that were refused, with the beginning of each. Reads `fates`.
SELECT CAST($day AS DATE) AS day, source_file, source_line, reason, detail, left(raw, 4096) AS raw
FROM fates
WHERE fate = 'reject'
ORDER BY source_file, source_line
