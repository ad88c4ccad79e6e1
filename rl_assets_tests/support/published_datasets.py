"""Every dataset of a product, published as of a day."""

from pathlib import Path

from rl_assets.datasets import suites
from rl_assets.datasets.builders import build_grpo, build_kto, build_pairs, build_sft
from rl_assets.datasets.folder import publish_dataset
from rl_assets.datasets.policies import DpoPolicy, GrpoPolicy, KtoPolicy, RewardPolicy, SftPolicy
from rl_assets.datasets.ratings import Window, rate_interactions, rated_as_of
from rl_assets.tables.dataset_ledger import DATASETS
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets_tests.support.logs import DAY, Product

PARTS = {
    "sft_dataset": (build_sft, SftPolicy(), suites.SFT),
    "dpo_dataset": (build_pairs, DpoPolicy(), suites.DPO),
    "reward_dataset": (build_pairs, RewardPolicy(), suites.REWARD),
    "kto_dataset": (build_kto, KtoPolicy(), suites.KTO),
    "grpo_dataset": (build_grpo, GrpoPolicy(), suites.GRPO),
}
BUILDERS = tuple((build, policy) for build, policy, _ in PARTS.values())
WINDOW = Window(DAY, 30)


def publish_datasets(product: Product, root: Path, names=DATASETS) -> None:
    """Rate the day and publish its datasets below the folder."""
    rate_interactions(product.lake, WINDOW)
    rated = product.lake.published(RATED_INTERACTIONS, DAY)
    for name in names:
        build, policy, suite = PARTS[name]
        connection = rated_as_of(product.lake, WINDOW, "1GB")
        inputs = {RATED_INTERACTIONS.name: {str(DAY): rated.sha256}}
        publish_dataset(connection, root / name / str(DAY), build(connection, policy), policy, suite, inputs)
