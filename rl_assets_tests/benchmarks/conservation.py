"""Where each call of the gateway ends up while its process is killed again and again, and some clients leave early.

`python -m rl_assets_tests.benchmarks.conservation [--calls 10000] [--at-once 16] [--kills 5]`. Gateway and model
server are processes of their own. Promised: lines accepted = landed + dropped + lost, as the gateway counts them; no
answer that a caller has in full is missing beyond those; no line is torn, and ingestion rejects none; each id is there
once.
"""

import argparse
import os
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from rl_assets.core.home import Home
from rl_assets.serving.lines import CLIENT_GONE
from rl_assets.serving.routing import write_routing
from rl_assets.tables.records import INGESTED_FILES, INTERACTIONS
from rl_assets_tests.support.gateways import CHAMPION_ARM, arm, landed_lines, routing, wait_for
from rl_assets_tests.support.killed_gateway import Calls, Counts, Gateways, model_process
from rl_assets_tests.support.logs import Product

LEAVING_SHARE = 0.05
MAX_S = 3600.0


def main() -> None:
    """Print the sums; the exit code is 1 if a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m rl_assets_tests.benchmarks.conservation", description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--kills", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, model_process() as url:
        home, first = Home(Path(folder)), datetime.now(UTC).date()
        home.landing.mkdir(parents=True)
        write_routing(home, routing({CHAMPION_ARM: arm(url)}))
        began = time.monotonic()
        calls, counts = run(home, given.calls, given.at_once, given.kills)
        seconds = time.monotonic() - began
        product = Product.at(home.folder)
        for day in sorted({first, datetime.now(UTC).date()}):
            product.ingest(day)
        broken = report(calls, counts, home, product)
    print(f"{seconds:.0f} s, {given.kills} kills, {given.at_once} at once, load {os.getloadavg()[0]:.1f}")
    raise SystemExit(int(broken))


def run(home: Home, wanted: int, at_once: int, kills: int) -> tuple[Calls, Counts]:
    """All calls, while the gateway is killed at points that are evenly spread over them."""
    gateways = Gateways(home)
    calls = Calls(gateways.url, lambda calls: calls.done < wanted, LEAVING_SHARE)
    gateways.start()
    with closing(gateways), ThreadPoolExecutor(at_once) as pool:
        callers = [pool.submit(calls.call, caller) for caller in range(at_once)]
        for kill in range(1, kills + 1):
            wait_for(lambda kill=kill: calls.done >= kill * wanted // (kills + 1), MAX_S)
            gateways.kill()
            gateways.start()
        for caller in callers:
            caller.result()
        gateways.end()
    return calls, gateways.counts


def report(calls: Calls, counts: Counts, home: Home, product: Product) -> bool:
    """Print the sums; whether a promise is broken."""
    lines = landed_lines(home)
    landed = Counter(line["interaction_id"] for line in lines)
    rows = Counter(row["interaction_id"] for row in product.rows(INTERACTIONS))
    rejects = sum(row["rejects"] for row in product.rows(INGESTED_FILES))
    gone = {line["interaction_id"] for line in lines if line.get("error_message") == CLIENT_GONE}
    unlogged, missed = set(calls.whole) - set(landed), counts.dropped + counts.lost
    sums = f"{landed.total()} landed + {counts.dropped} dropped + {counts.lost} lost"
    checks = {
        f"{counts.accepted} lines accepted = {sums}": counts.accepted == landed.total() + missed,
        f"{len(calls.whole)} whole answers, {len(unlogged)} of them not logged": len(unlogged) <= missed,
        f"{len(calls.left)} clients left, {len(gone)} lines say so, none of a whole answer": not gone & {*calls.whole},
        f"each of {len(landed)} ids in one line and in one row": set(landed.values()) == {1} and rows == landed,
        f"{rejects} lines rejected": rejects == 0,
    }
    print("\n".join(f"{'ok    ' if holds else 'BROKEN'} {what}" for what, holds in checks.items()))
    print(f"       {calls.cut_off} calls cut off or refused while no gateway ran; {counts.torn} torn lines removed")
    return not all(checks.values())


if __name__ == "__main__":
    main()
