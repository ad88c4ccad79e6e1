-- The account of every file of a day: lines = rows + duplicates + rejects. Reads `fates` and `files` (name, fingerprint).
SELECT CAST($day AS DATE) AS day, files.name AS source_file, any_value(files.fingerprint) AS fingerprint,
    count(fates.fate) AS lines,
    count(*) FILTER (fate = 'row') AS rows,
    count(*) FILTER (fate = 'duplicate') AS duplicates,
    count(*) FILTER (fate = 'reject') AS rejects
FROM files LEFT JOIN fates ON fates.source_file = files.name
GROUP BY files.name
ORDER BY files.name
