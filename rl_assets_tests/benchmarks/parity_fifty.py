"""Rollouts of right adapters, all to be accepted, and of seven planted faults, each to be refused with its sentence.

`python -m rl_assets_tests.benchmarks.parity_fifty [--rollouts 50] [--prompts 30] [--dtype float32 bfloat16]`. Each
rollout is of another adapter with random weights on a tiny base, at an embedded server with that type of numbers.
"""

import argparse
import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rl_assets.core.home import Home
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel, ensure_base_model
from rl_assets.serving.names import content_name
from rl_assets.serving.refused import forget_refusals
from rl_assets.serving.rollout import RolloutError
from rl_assets.serving.routing import read_routing
from rl_assets_tests.support.evaluation_samples import BARELY_TRAINED, random_adapter
from rl_assets_tests.support.live_servers import FAULTS, live_server
from rl_assets_tests.support.served_rollouts import held_out, name_champion, roll_out

# Longer than adapters drain, so that the server holds few of them.
BETWEEN = timedelta(minutes=11)


def main() -> None:
    """Print a line per type of numbers and fault; the exit code is 1 if a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m rl_assets_tests.benchmarks.parity_fifty", description=__doc__)
    parser.add_argument("--rollouts", type=int, default=50)
    parser.add_argument("--prompts", type=int, default=30, help="held-out conversations; 24 of them are asked")
    parser.add_argument("--dtype", nargs="+", choices=("float32", "bfloat16"), default=["float32", "bfloat16"])
    given = parser.parse_args()
    broken = 0
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        base = ensure_base_model("tiny", home.models, _quiet, BARELY_TRAINED)
        count = max(given.rollouts, 2)
        adapters = [random_adapter(base, home.adapters() / "dpo" / f"{seed:04}", "dpo", seed) for seed in range(count)]
        held_out(home, given.prompts)
        for dtype in given.dtype:
            broken += accept(home, base, adapters[: given.rollouts], dtype)
        for fault in FAULTS:
            broken += refuse(home, base, adapters[0], adapters[1], fault)
    raise SystemExit(int(broken > 0))


def accept(home: Home, base: BaseModel, adapters: list[Adapter], dtype: Any) -> int:
    """Serve each adapter in turn; how many were refused."""
    home.routing.unlink(missing_ok=True)
    refused, own, bases, equal = list[str](), list[float](), list[float](), 0
    with live_server(base, home.adapters(), dtype=dtype) as url:
        for figures in _figures(home, base, adapters, url, refused):
            own.append(figures["identity"]["distance_at_1"])
            bases.append(figures["identity"]["distance_at_0"])
            equal += figures["answers"]["equal"]
    text = f"{dtype:9} {len(own)} of {len(adapters)} accepted"
    if own:
        text += f"; nats per token: own scale at most {max(own):.6f}, base at least {min(bases):.4f}"
        text += f"; {equal / len(own):.1f} answers equal on average"
    print("\n".join([text, *refused]), flush=True)
    return len(refused)


def _figures(
    home: Home, base: BaseModel, adapters: list[Adapter], url: str, refused: list[str]
) -> Iterator[dict[str, Any]]:
    """What the checks of each adapter measured that is routed now; sentences of the others are added to `refused`."""
    now = datetime.now(UTC)
    for number, adapter in enumerate(adapters):
        name_champion(home, adapter)
        moment = now + number * BETWEEN
        try:
            outcome = roll_out(home, base, url, log=_quiet, now=lambda moment=moment: moment)
        except RolloutError as error:
            refused.append(f"          REFUSED: {error}")
            continue
        yield outcome.figures[f"{content_name(adapter, None)} at {url}"]


def refuse(home: Home, base: BaseModel, adapter: Adapter, other: Adapter, fault: str) -> int:
    """Try to serve an adapter at a server with the fault; 1 unless it is refused with the sentence that names it."""
    make, options, sentence = FAULTS[fault]
    home.routing.unlink(missing_ok=True)
    forget_refusals(home)
    name_champion(home, adapter)
    with live_server(base, home.adapters(), make(other), dtype="float32", **options) as url:
        try:
            roll_out(home, base, url, log=_quiet)
            said = "it was ACCEPTED"
        except RolloutError as error:
            said = str(error)
    is_named = re.search(sentence, said) is not None and read_routing(home) is None
    print(f"{fault:21} {'refused, nothing routed' if is_named else f'NOT refused as it should be: {said}'}", flush=True)
    return int(not is_named)


def _quiet(_: str) -> None:
    pass


if __name__ == "__main__":
    main()
