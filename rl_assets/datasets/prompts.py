"""The training prompts of each content that a dataset has had, kept so that a later one can be compared with it.

A dataset day is rebuilt when more lands; the prompts of the last training would be forgotten otherwise.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

KEPT = 60


def prompts_file(dataset: Path, content: str) -> Path:
    """Where the prompts of the dataset's content hash lie; `dataset` is the folder of its days."""
    return dataset / ".prompts" / f"{content}.parquet"


def keep_prompts(train: Path, dataset: Path, content: str) -> None:
    """Keep the prompts of the training rows in the file `train`; only the newest KEPT contents stay."""
    path = prompts_file(dataset, content)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    metadata = pq.ParquetFile(train).read(columns=["metadata.prompt_key"]).column("metadata").combine_chunks()
    pq.write_table(pa.table({"prompt_key": metadata.field("prompt_key").unique()}), part, compression="zstd")
    part.replace(path)
    newest_first = sorted(path.parent.glob("*.parquet"), key=lambda kept: kept.stat().st_mtime, reverse=True)
    for old in newest_first[KEPT:]:
        old.unlink(missing_ok=True)
