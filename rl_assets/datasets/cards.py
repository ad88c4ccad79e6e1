"""Dataset cards in the Hugging Face format, so that `datasets.load_dataset(folder)` and the hub know the splits."""

from typing import Any

PURPOSE = {
    "sft_dataset": "Supervised fine-tuning: one best answer a prompt, as chat messages.",
    "dpo_dataset": "Preference optimisation: pairs of answers to one prompt of which one was clearly better.",
    "reward_dataset": "Reward models: pairs of answers to one prompt of which one was better, if only a little.",
    "kto_dataset": "Kahneman-Tversky optimisation: single answers to a prompt, each labelled good or bad.",
    "grpo_dataset": "Group-relative optimisation: several answers to one prompt, each with its reward in [0, 1].",
}


def dataset_card(manifest: dict[str, Any]) -> str:
    """Markdown with a YAML header: splits, counts, provenance, what was left out and why, limits."""
    # `load_dataset` refuses a split without rows, so an empty one has a file but is not declared.
    splits = [split for split, rows in manifest["rows"].items() if rows] or list(manifest["rows"])
    files = "".join(f"      - split: {split}\n        path: {split}.parquet\n" for split in splits)
    return f"""---
pretty_name: {manifest["name"]} as of {manifest["day"]}
configs:
  - config_name: {manifest["name"]}-{manifest["sha256"][:12]}
    data_files:
{files}---

# {manifest["name"]} as of {manifest["day"]}

{PURPOSE[manifest["name"]]}

Built by rl_assets from the feedback that had landed by the end of {manifest["day"]} (UTC). The split of a row is a hash
of its prompt's key: it never moves, and all datasets share it.

| split | rows |
|---|---|
{_table(manifest["rows"])}

## Candidates

{manifest["candidates"]} candidates, {manifest["taken"]} taken; the others were left out because of:

| reason | candidates |
|---|---|
{_table(manifest["rejects"])}

## Provenance

Content sha256 `{manifest["sha256"]}`; configuration `{manifest["configuration"]}`; inputs:

| table and day | content sha256 |
|---|---|
{_table({f"{table} {day}": digest for table, days in manifest["inputs"].items() for day, digest in days.items()})}

## Limits

Texts are logged by a product and are kept as they were logged. Their licence is that of the logs; the rewards are as
good as the feedback they come from.
"""


def _table(rows: dict[str, Any]) -> str:
    return "\n".join(f"| {name} | {value} |" for name, value in rows.items()) or "| - | 0 |"
