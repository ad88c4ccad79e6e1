"""The review queue: pairs of answers that people compare. Their labels land as feedback, and decisions read them."""

from datetime import date

import dagster as dg
import pyarrow as pa
from pydantic import Field

from rl_assets.defs.evaluation.reports import eval_report
from rl_assets.defs.shared.partitions import BACKFILL
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.defs.shared.table_assets import PublishedDay, Results, publish_days, table_asset
from rl_assets.evaluation.report.files import read_report
from rl_assets.evaluation.review.files import QUEUE_PAGE, write_queue
from rl_assets.evaluation.review.labels import rows_of_epoch
from rl_assets.evaluation.review.queue import PER_NIGHT, queue_lines, queue_rows
from rl_assets.evaluation.run.pairs import read_pairs
from rl_assets.tables.review_queue import REVIEW_QUEUE

# The product and the segments write parts of one table, one at a time.
REVIEW_POOL = "review_queue"


class ReviewConfig(dg.Config):
    """How many pairs people are asked about each night."""

    per_night: int = Field(default=PER_NIGHT, ge=0)


@table_asset(REVIEW_QUEUE, deps=[eval_report], group="reports", kind="json", pool=REVIEW_POOL)
def review_queue(context: dg.AssetExecutionContext, home: HomeResource, config: ReviewConfig) -> Results:
    """Tonight's answers of the adapter under decision against the model that it would replace, and the few that people
    are asked about: drawn at random, in random order, as `review_queue.jsonl` and a page next to the report.

    Add a verdict (first, second or tie) to lines of the file, and drop it into `landing/feedback_table/<day>/`. A night
    replaces its own pairs; a run of a backfill draws none. Segments have queues of their own in the same table.
    """
    yield from publish_queue(context, home, config, None)


def publish_queue(
    context: dg.AssetExecutionContext, home: HomeResource, config: ReviewConfig, segment: str | None
) -> Results:
    """Draw from the pairs of each report of the run, in place of what was drawn from the same report before."""

    def publish(day: str) -> PublishedDay:
        folder, night = home.paths.reports(day, segment), date.fromisoformat(day)
        report, pairs = read_report(folder), read_pairs(folder)
        if BACKFILL in context.run.tags:
            asset = context.asset_key.to_user_string()
            context.log.info(f"a backfill draws no pairs: materialize {asset} of the day alone for that")
            return PublishedDay("backfill", {"rows": "a backfill draws no pairs"})
        kind = report.models[report.decided].kind
        earlier = rows_of_epoch(home.lake, report.primary, segment, kind, night)
        asked = {row["cluster"] for row in earlier if row["day"] < night}
        rows = queue_rows(report, segment, pairs, asked, config.per_night)
        lines = queue_lines(rows, pairs)
        # The record first: a label of a pair that is in a file but not in the table would count as never shown.
        table = pa.Table.from_pylist(rows, schema=REVIEW_QUEUE.schema)
        published = home.lake.publish(REVIEW_QUEUE, night, table.to_reader(), {"segment": segment})
        write_queue(folder, lines)
        page = dg.MetadataValue.path(folder / QUEUE_PAGE) if lines else "no pair to compare"
        return PublishedDay.of_table(published, pairs=len(rows), drawn=len(lines), page=page)

    yield from publish_days(context, publish)
