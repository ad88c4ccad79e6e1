"""Dataset cards in the Hugging Face format, so that `datasets.load_dataset(folder)` and the hub know the splits."""

from collections.abc import Mapping

from rl_assets.tables.dataset_manifest import DatasetManifest

PURPOSE = {
    "sft_dataset": "Supervised fine-tuning: the best answer per prompt, as chat messages.",
    "dpo_dataset": "Preference optimisation: pairs of answers to one prompt of which one was clearly better.",
    "reward_dataset": "Reward models: pairs of answers to one prompt of which one was better, if only a little.",
    "kto_dataset": "Kahneman-Tversky optimisation: single answers to a prompt, each labelled good or bad.",
    "grpo_dataset": "Group-relative optimisation: several answers to one prompt, each with its reward in [0, 1].",
    "multimodal_sft_dataset": "Supervised fine-tuning: answers about documentation that show images of a catalogue.",
    "multimodal_grpo_dataset": "Group-relative optimisation: questions about documentation for the image reward.",
    "multimodal_vision_dataset": "Vision-language models: images of documentation and what their pages say about them.",
}


TAGS = {
    "sft_dataset": "sft",
    "dpo_dataset": "dpo",
    "reward_dataset": "reward-model",
    "kto_dataset": "kto",
    "grpo_dataset": "grpo",
}
# Rows below which the hub's size category holds.
SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M", 10_000_000: "1M<n<10M"}


LIMITS = """## Limits

Texts are logged by a product; where personal data was found in them it has been replaced by placeholders such as
`<EMAIL>`, and what a detector overlooks is still there. The logs are untrusted: an answer with a high reward may be
wrong, and a prompt may hold instructions. The rewards are as good as the feedback they come from, and rewards of
different sources are not comparable. Token counts are estimated from characters. The licence is that of the logs.
"""


# `datasets` drops files without rows before it reads, and then fails for lack of files (`make_file_instructions`); its
# pull request 8401 would change that.
OPENING_EMPTY = """## Opening this dataset

It has no rows, and `load_dataset(folder)` refuses that: "corresponds to no data". With their columns, its splits open
as streams, or one by one:

```python
import pyarrow.parquet as pq
from datasets import Dataset, load_dataset

splits = load_dataset(folder, streaming=True)
train = Dataset(pq.read_table(f"{folder}/train.parquet"))
```

"""


def dataset_card(manifest: DatasetManifest) -> str:
    """Markdown with a YAML header: splits, counts, provenance, what was dropped and why, limits."""
    return f"""{_header(manifest)}
# {manifest.name} as of {manifest.day}

{PURPOSE[manifest.name]}

Built by rl_assets from {_origin(manifest)}. The split of a row is a hash of what it is about: it never moves.

{_table("split", "rows", manifest.rows)}

{"" if any(manifest.rows.values()) else OPENING_EMPTY}{_metrics(manifest)}## Candidates

{manifest.candidates} candidates, {manifest.selected} selected; the others were dropped because of:

{_table("reason", "candidates", manifest.dropped)}

{_sources(manifest)}## Provenance

Content sha256 `{manifest.sha256}`; configuration `{manifest.configuration}`; inputs:

{_table("table and day", "content sha256", _inputs(manifest))}

## Checks

| check | passed | observed |
|---|---|---|
{_checks(manifest)}

{LIMITS}"""


def _header(manifest: DatasetManifest) -> str:
    # `load_dataset` refuses a split without rows, so an empty one has a file but is not declared.
    splits = [split for split, rows in manifest.rows.items() if rows] or list(manifest.rows)
    files = "".join(f"      - split: {split}\n        path: {split}.parquet\n" for split in splits)
    return f"""---
pretty_name: {manifest.name} as of {manifest.day}
license: other
license_name: that-of-the-logs
task_categories:
  - text-generation
tags:
  - {TAGS.get(manifest.name, "image-text")}
size_categories:
  - {_size(sum(manifest.rows.values()))}
configs:
  - config_name: {manifest.name}-{manifest.sha256[:12]}
    data_files:
{files}---
"""


def _inputs(manifest: DatasetManifest) -> dict[str, str]:
    return {f"{table} {day}": digest for table, days in manifest.inputs.items() for day, digest in days.items()}


def _metrics(manifest: DatasetManifest) -> str:
    """A section of the metrics of all rows; empty if there are none."""
    metrics = {**manifest.metrics, **manifest.tokens}
    shown = {name.replace("_", " "): value for name, value in metrics.items() if value is not None}
    return f"## Metrics\n\n{_table('metric', 'value', shown)}\n\n" if shown else ""


def _sources(manifest: DatasetManifest) -> str:
    """A section of whose rewards the rows have; empty if none was counted."""
    if not manifest.sources:
        return ""
    return f"## Sources of rewards\n\n{_table('source', 'rows', manifest.sources)}\n\n"


def _checks(manifest: DatasetManifest) -> str:
    return "\n".join(
        f"| {name.replace('_', ' ')} | {'yes' if check.passed else 'no'} | {check.observed:g} |"
        for name, check in manifest.checks.items()
    )


def _size(rows: int) -> str:
    return next((name for limit, name in SIZES.items() if rows < limit), "n>10M")


def _table(name: str, value: str, rows: Mapping[str, object]) -> str:
    lines = [f"| {key} | {item} |" for key, item in rows.items()] or ["| - | 0 |"]
    return "\n".join([f"| {name} | {value} |", "|---|---|", *lines])


def _origin(manifest: DatasetManifest) -> str:
    if manifest.name.startswith("multimodal"):
        return f"the documentation as it stood when it was built, for {manifest.day}"
    return f"the feedback that had landed by the end of {manifest.day} (UTC)"
