"""A code location for tests of executors: the real SFT adapter on a dataset that takes no time to make."""

import dagster as dg

from rl_assets.defs.shared.partitions import days
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.training.adapters import base_model, sft_adapter
from rl_assets.instance import executors
from rl_assets.models.runtime import describe_host
from rl_assets.settings import load_settings
from rl_assets_tests.support.training_samples import parts_rows, publish


@dg.asset(partitions_def=days)
def sft_dataset(context: dg.AssetExecutionContext, home: HomeResource) -> None:
    """Published rows, by a step that asks for no GPU."""
    context.log.info(f"dataset: {describe_host()}")
    folder = home.paths.datasets("sft_dataset", context.partition_key)
    if not folder.exists():
        publish(folder, "sft_dataset", parts_rows()["sft"][::30], day=context.partition_key)


settings = load_settings()
defs = dg.Definitions(
    assets=[base_model, sft_dataset, sft_adapter],
    resources={"home": HomeResource.from_settings(settings)},
    executor=executors.make_executor(settings),
)
