"""Rollouts of adapters that the embedded server can load, as the asset `served_champion` does them."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime

from rl_assets.core.files import write_json
from rl_assets.core.home import Home
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.serving.checks import ServingChecks
from rl_assets.serving.config import Endpoint, ServingFile
from rl_assets.serving.drivers.make import make_driver
from rl_assets.serving.gateway_probe import GatewayProbe
from rl_assets.serving.replicas import make_replicas
from rl_assets.serving.rollout import Outcome, Rollout
from rl_assets_tests.support.evaluation_folders import dataset
from rl_assets_tests.support.evaluation_samples import DAY
from rl_assets_tests.support.served_homes import champion_of, conversation

NO_GATEWAY = "http://127.0.0.1:9"


def held_out(home: Home, conversations: int) -> None:
    """So many held-out conversations, in place of others."""
    folder = home.datasets("sft_dataset", DAY)
    shutil.rmtree(folder, ignore_errors=True)
    dataset(folder, test=[conversation(number) for number in range(conversations)])


def name_champion(home: Home, champion: Adapter, previous: Adapter | None = None) -> None:
    """Write the champion's file: the adapter, and the one before it."""
    before = champion_of(previous) if previous else None
    write_json(home.champion(), champion_of(champion, before).model_dump(mode="json"))


def roll_out(
    home: Home,
    base: BaseModel,
    url: str,
    gateway: str = NO_GATEWAY,
    log: Callable[[str], None] = print,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Outcome:
    """Serve what the champion's file says at one server. RolloutError if it is refused."""
    serving = ServingFile(endpoints={"local": Endpoint(urls=[url])})
    checks = ServingChecks(home, lambda: base, {}, GatewayProbe(gateway), log)
    return Rollout(home, serving, make_replicas(serving, {}, make_driver), checks, log, now).run()
