"""Days whose ratings are learned from, through the assets, as an operator materializes them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from rl_assets.core.home import Home
from rl_assets.defs.rewards.dimension_rewards import dimension_rewards
from rl_assets.defs.rewards.rated_dimensions import rated_dimensions
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.rewards.dimension_model import StoredDimensions, newest_dimensions, read_dimensions
from rl_assets.settings import Settings
from rl_assets_tests.support.logs import DAY, Product
from rl_assets_tests.support.rated_days import rate


@dataclass(frozen=True)
class Learned:
    """The run of the two assets, and the heads that it left, if it succeeded."""

    result: dg.ExecuteInProcessResult
    home: Home

    @property
    def folder(self) -> Path:
        """The folder of the day's heads."""
        found = newest_dimensions(self.home.dimension_rewards, str(DAY))
        assert found is not None
        return found

    @property
    def stored(self) -> StoredDimensions:
        return read_dimensions(self.folder)


def learn(product: Product, instance: dg.DagsterInstance, *, rated: bool = False, **config: Any) -> Learned:
    """Land, rate (unless it is done) and learn the day that was logged, with this launch configuration."""
    if not rated:
        assert rate(product, instance).success
    home = HomeResource.from_settings(Settings(home=product.landing.parent))
    result = dg.materialize(
        [rated_dimensions, dimension_rewards],
        instance=instance,
        resources={"home": home},
        partition_key=str(DAY),
        run_config={"ops": {"dimension_rewards": {"config": config}}},
        raise_on_error=False,
    )
    return Learned(result, home.paths)
