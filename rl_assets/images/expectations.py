"""What must hold of a source's image pairs; counted in SQL over the table `rows`, judged as the datasets' are."""

from rl_assets.datasets.expectations import Expectation, no_repeat, no_row
from rl_assets.images.confidence import KEPT_FROM
from rl_assets.images.kinds import IMAGE_TYPES

IMAGE_PAIRS = (
    no_repeat("pair_ids_are_unique", "No pair stands twice.", "pair_id"),
    no_row(
        "confidences_are_shares",
        "Both confidences lie in [0, 1].",
        "confidence NOT BETWEEN 0 AND 1 OR confidence_v1 NOT BETWEEN 0 AND 1",
    ),
    no_row(
        "kept_pairs_are_wanted",
        f"Every kept pair has a confidence of {KEPT_FROM} or more, and is neither badge nor decoration.",
        f"kept AND (confidence < {KEPT_FROM} OR image_type = 'badge' OR decoration)",
    ),
    no_row("image_types_are_known", "Every image is of a known type.", f"image_type NOT IN {IMAGE_TYPES}"),
    no_row("paths_stay_inside", "Every path lies in the source's folder.", "path LIKE '/%' OR path LIKE '%..%/%'"),
    Expectation(
        "an_image_is_kept_once",
        "Of the places of one image at most one is kept.",
        "count(*) FILTER (kept) - count(DISTINCT sha256) FILTER (kept)",
        high=0,
        bad_row="kept AND sha256 IN (SELECT sha256 FROM rows WHERE kept GROUP BY ALL HAVING count(*) > 1)",
    ),
    Expectation("at_least_10_pairs", "There are 10 kept pairs or more.", "count(*) FILTER (kept)", 10, blocking=False),
    Expectation(
        "kept_pairs_are_confident",
        "The mean confidence of kept pairs is 0.8 or more.",
        "coalesce(avg(confidence) FILTER (kept), 0)",
        0.8,
        blocking=False,
    ),
    Expectation(
        "image_types_are_diverse",
        "Kept images are of three types or more.",
        "count(DISTINCT image_type) FILTER (kept)",
        3,
        blocking=False,
    ),
)
