"""Dataset cards in the Hugging Face format, so that `datasets.load_dataset(folder)` and the hub know the splits."""

from typing import Any

PURPOSE = {
    "sft_dataset": "Supervised fine-tuning: one best answer a prompt, as chat messages.",
    "dpo_dataset": "Preference optimisation: pairs of answers to one prompt of which one was clearly better.",
    "grpo_dataset": "Group-relative optimisation: several answers to one prompt, each with its reward in [0, 1].",
}


def dataset_card(manifest: dict[str, Any]) -> str:
    """Markdown with a YAML header: splits, counts, provenance, what was left out and why, limits."""
    files = "".join(f"      - split: {split}\n        path: {split}.parquet\n" for split in manifest["rows"])
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
