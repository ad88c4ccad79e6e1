"""Every table of the lake, by how long its rows stay. A new table goes into one of these lists.

Each list runs from derived tables to raw ones, so that work that was killed finds the raw rows again.
"""

from rl_assets.lake.tombstones import ERASURES
from rl_assets.tables.active_learning_queue import ACTIVE_LEARNING_QUEUE
from rl_assets.tables.bandit_state import BANDIT_STATE
from rl_assets.tables.dataset_ledger import LEDGER
from rl_assets.tables.decision_evidence import DECISION_EVIDENCE
from rl_assets.tables.documentation import (
    EXCLUDED_IMAGES,
    IMAGE_AUDITS,
    IMAGE_SOURCES,
    MARKDOWN_IMAGE_PAIRS,
    TEXT_SECTIONS,
)
from rl_assets.tables.features import DESCRIBED_DAYS, FEATURES, PROMPT_CLUSTERS, REDACTIONS
from rl_assets.tables.interaction_stats import STATS
from rl_assets.tables.judge_preferences import JUDGE_PREFERENCES
from rl_assets.tables.rated_dimensions import RATED_DIMENSIONS
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES, INTERACTIONS, REJECTED_RECORDS
from rl_assets.tables.review_queue import REVIEW_QUEUE
from rl_assets.tables.ruler_groups import RULER_GROUPS
from rl_assets.tables.synthetic_feedback import SYNTHETIC_FEEDBACK
from rl_assets.tables.teacher_answers import TEACHER_ANSWERS

# Records of a log day, features of each, and their ratings: retention removes old days.
RECORD_TABLES = (
    SYNTHETIC_FEEDBACK,
    RULER_GROUPS,
    ACTIVE_LEARNING_QUEUE,
    JUDGE_PREFERENCES,
    TEACHER_ANSWERS,
    RATED_DIMENSIONS,
    RATED_INTERACTIONS,
    DESCRIBED_DAYS,
    FEATURES,
    REDACTIONS,
    REJECTED_RECORDS,
    FEEDBACK,
    INTERACTIONS,
)
# Counts without texts, what promotions rest on, and the clusters of prompts, by which a prompt never changes its split:
# retention keeps them.
LASTING_TABLES = (
    BANDIT_STATE,
    REVIEW_QUEUE,
    DECISION_EVIDENCE,
    LEDGER,
    STATS,
    PROMPT_CLUSTERS,
    INGESTED_FILES,
    ERASURES,
)
# By documentation source, replaced as a whole when the source changes.
DOCUMENTATION_TABLES = (MARKDOWN_IMAGE_PAIRS, EXCLUDED_IMAGES, TEXT_SECTIONS, IMAGE_SOURCES, IMAGE_AUDITS)
ALL_TABLES = (*RECORD_TABLES, *LASTING_TABLES, *DOCUMENTATION_TABLES)
# Bookkeeping that no asset shows.
INTERNAL_TABLES = (DESCRIBED_DAYS, REDACTIONS, PROMPT_CLUSTERS, ERASURES, IMAGE_AUDITS)
