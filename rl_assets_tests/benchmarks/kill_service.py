"""A longer run of `service/test_killed_service.py`: thousands of acts while workers and landers are killed.

`python -m rl_assets_tests.benchmarks.kill_service --acts 5000 --kills 20`
"""

import argparse
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from rl_assets.tables.records import FEEDBACK, INGESTED_FILES
from rl_assets_tests.support.killed_service import send_while_killing
from rl_assets_tests.support.logs import Product


def main() -> None:
    """Print what was killed, sent, lost and landed; the exit code is 1 if the rows are not the acknowledged acts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--acts", type=int, default=5_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", help="postgresql://user@host/name; SQLite when left out")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        first = datetime.now(UTC).date()
        outcome = send_while_killing(Path(folder), given.database, given.acts, given.kills, given.seed)
        product = Product.at(Path(folder))
        for day in sorted({first, datetime.now(UTC).date()}):
            product.ingest(day)
        rows = Counter(row["feedback_id"] for row in product.rows(FEEDBACK))
        files = product.rows(INGESTED_FILES)
    is_same = rows == Counter(outcome.acknowledged)
    print(
        f"killed {outcome.killed_workers} workers and {outcome.killed_landers} landers; {outcome.lost_replies} replies "
        f"lost, {outcome.repeated} acts recognised as repeated; {len(outcome.acknowledged)} acknowledged, "
        f"{rows.total()} rows of {len(files)} files, {sum(row['rejects'] for row in files)} rejects, "
        f"{sum(row['duplicates'] for row in files)} duplicates: {'each once' if is_same else 'NOT the same'}"
    )
    raise SystemExit(not is_same)


if __name__ == "__main__":
    main()
