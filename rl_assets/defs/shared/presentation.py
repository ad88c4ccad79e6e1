"""What the UI shows of assets in addition to their definition: columns of dataset files, and links to the code.

Columns of the lake's tables are in `rl_assets.tables`.
"""

from collections.abc import Iterable
from typing import Any

import dagster as dg

MESSAGES = "list<struct<role: string, content: string>>"
# Columns of rows in the datasets' files: type and meaning. DATASETS says which dataset has which.
COLUMNS = {
    "messages": (MESSAGES, "the conversation; its last message is the answer that is learned"),
    "prompt": (MESSAGES, "the conversation that was answered, system turns included"),
    "completion": (MESSAGES, "the answer"),
    "chosen": (MESSAGES, "the better answer"),
    "rejected": (MESSAGES, "the worse answer"),
    "label": ("bool", "whether the answer was good"),
    "responses": ("list<struct<text, reward, interaction_id>>", "answers to the prompt with their rewards in [0, 1]"),
    "images": ("list<Image>", "the images that the messages show, in their order"),
    "gold_images": ("list<string>", "the images that a right answer shows"),
    "gold_text": ("string", "what the page says"),
    "catalogue": ("list<struct>", "the images that may be shown, of which one is right, or none"),
    "metadata": ("struct", "where the row comes from: ids, cluster of the prompt, segment, category, agent, rewards"),
}
DATASETS = {
    "sft_dataset": ("messages", "metadata"),
    "dpo_dataset": ("prompt", "chosen", "rejected", "metadata"),
    "reward_dataset": ("prompt", "chosen", "rejected", "metadata"),
    "kto_dataset": ("prompt", "completion", "label", "metadata"),
    "grpo_dataset": ("prompt", "responses", "metadata"),
    "multimodal_sft_dataset": ("messages", "gold_images", "catalogue", "metadata"),
    "multimodal_grpo_dataset": ("prompt", "responses", "gold_images", "catalogue", "gold_text", "metadata"),
    "multimodal_vision_dataset": ("messages", "images", "metadata"),
}


def presented(assets: Iterable[dg.AssetsDefinition]) -> list[Any]:
    """The assets, datasets with their columns, and each with a link to its code."""
    return list(dg.with_source_code_references(dg.map_asset_specs(_with_columns, assets)))


def _with_columns(spec: dg.AssetSpec) -> dg.AssetSpec:
    names = DATASETS.get(spec.key.to_user_string())
    if names is None:
        return spec
    columns = [dg.TableColumn(name, COLUMNS[name][0], description=COLUMNS[name][1]) for name in names]
    return spec.merge_attributes(metadata={"dagster/column_schema": dg.TableSchema(columns=columns)})
