-- What the numbers of a product's metrics mean, and thresholds that hold up to rounding.

-- What the numbers of metrics mean. A product whose metrics have other ranges than [0, 1] replaces these (metrics.py).
CREATE OR REPLACE MACRO metric_value(metric, x) AS x;
CREATE OR REPLACE MACRO metric_dimension(metric) AS metric;
CREATE OR REPLACE MACRO metric_source(metric) AS cast(NULL AS VARCHAR);
CREATE OR REPLACE MACRO metric_range(metric) AS '0 and 1';
CREATE OR REPLACE MACRO metric_values(m) AS m;
CREATE OR REPLACE MACRO metric_numbers(m) AS map_values(m);
CREATE OR REPLACE MACRO raw_values(m) AS cast(NULL AS MAP (VARCHAR, DOUBLE));

-- Scores on their scales, and by dimension: that of the dimension's own name, else the mean of those that measure it.
CREATE OR REPLACE MACRO values_on_scale(m) AS (
    list_transform(map_entries(m), LAMBDA score: metric_value(score.key, score.value))
);
CREATE OR REPLACE MACRO values_by_dimension(m) AS CASE
    WHEN m IS NOT NULL THEN map_from_entries(list_transform(
        list_sort(list_distinct(list_transform(map_keys(m), LAMBDA name: metric_dimension(name)))),
        LAMBDA dimension: {
            'k': dimension,
            'v': coalesce(
                CASE WHEN metric_dimension(dimension) = dimension THEN metric_value(dimension, m[dimension]) END,
                list_avg(list_transform(
                    list_filter(map_entries(m), LAMBDA score: metric_dimension(score.key) = dimension),
                    LAMBDA score: metric_value(score.key, score.value)
                ))
            )
        }
    ))
END;

-- Stars in [0, 1]: from 1 to 5, unless the metric of that name has another range; and why a rating is not on its scale.
CREATE OR REPLACE MACRO stars_value(metric, x) AS (x - 1) / 4;
CREATE OR REPLACE MACRO stars_range(metric) AS '1 and 5';

-- At least, up to rounding: 1.0 - 0.8 reaches 0.2 here, and does not in floats.
CREATE OR REPLACE MACRO reaches(x, threshold) AS x >= threshold - 1e-9;

-- Wilson's lower bound of a share of n, one-sided at 95 % (Wilson 1927). Never NULL for n above 0.
CREATE OR REPLACE MACRO wilson_lower(share, n) AS (
    (share + 1.35277 / n - 1.64485 * sqrt(share * (1 - share) / n + 0.67639 / (n * n))) / (1 + 2.70554 / n)
);

-- A lower bound of the mean of n verdicts in [0, 1]: Wilson's, with as many verdicts more as they vary less than those
-- that are all 0 or 1. One verdict of the widest spread is added, so that a few alike are not taken for certain.
CREATE OR REPLACE MACRO pooled_lower(mean, variance, n) AS (
    wilson_lower(mean, n / coalesce(least(1, (n * variance + mean * (1 - mean)) / nullif(n * mean * (1 - mean), 0)), 1))
);
