-- The rejected lines of each file by reason, and the share of the file's lines that they are; the largest share first.
-- Of several files in a folder, all of them together are one more: many small files may hold one bad line each.
-- `detail` is the most frequent one of so many `details`; of conflicts there is none, since theirs is an id.
-- Reads: outcomes, parsed.
-- Parameters: none.
WITH read AS (
    SELECT
        source_file,
        count(*) AS lines
    FROM parsed
    GROUP BY source_file
),

foldered AS (
    SELECT
        *,
        regexp_replace(source_file, '[^/]*$', '') AS folder
    FROM read
),

counted AS (
    SELECT
        source_file,
        source_file AS file,
        lines
    FROM read
    UNION ALL
    SELECT
        source_file,
        folder || ' (' || count(*) OVER one_folder || ' files)',
        cast(sum(lines) OVER one_folder AS BIGINT)
    FROM foldered
    WINDOW one_folder AS (PARTITION BY folder)
    QUALIFY count(*) OVER one_folder > 1
)

SELECT
    file,
    reason,
    mode(detail) FILTER (reason <> 'conflicting_duplicate') AS detail,
    count(DISTINCT detail) AS details,
    count(*) AS rejects,
    any_value(lines) AS lines,
    count(*) / any_value(lines) AS share
FROM outcomes INNER JOIN counted USING (source_file)
WHERE outcome = 'reject'
GROUP BY file, reason
ORDER BY share DESC, file, reason
