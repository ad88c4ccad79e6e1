-- What the numbers of a product's metrics mean, and thresholds that hold up to rounding.

-- What the numbers of metrics mean. A product whose metrics have other ranges than [0, 1] replaces these (metrics.py).
CREATE OR REPLACE MACRO metric_value(metric, x) AS x;
CREATE OR REPLACE MACRO metric_dimension(metric) AS metric;
CREATE OR REPLACE MACRO metric_values(m) AS m;
CREATE OR REPLACE MACRO raw_values(m) AS cast(NULL AS MAP (VARCHAR, DOUBLE));

-- At least, up to rounding: 1.0 - 0.8 reaches 0.2 here, and does not in floats.
CREATE OR REPLACE MACRO reaches(x, threshold) AS x >= threshold - 1e-9;
