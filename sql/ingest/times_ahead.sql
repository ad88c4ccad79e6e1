-- Lines of the day that are dated after it: one day ahead is another time zone or a late file, more is a wrong clock.
-- Reads: parsed.
-- Parameters: $day.
SELECT
    source_file AS file,
    count(*) AS lines,
    min(source_line) AS first_line,
    cast(max(happened_at) AS VARCHAR) AS latest
FROM parsed
WHERE reason IS NULL AND happened_at >= cast($day AS TIMESTAMPTZ) + INTERVAL 2 DAY
GROUP BY source_file
ORDER BY lines DESC, file
