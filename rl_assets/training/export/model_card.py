"""The adapter's model card: Hugging Face's YAML header and, in words, where it comes from and what was checked."""

import json
from typing import Any

TITLES = {
    "sft": "Supervised fine-tuning adapter",
    "dpo": "Preference (DPO) adapter",
    "kto": "Single-verdict (KTO) adapter",
    "grpo": "Adapter learned from groups of answers",
    "reward": "Reward model",
}


def model_card(manifest: dict[str, Any]) -> str:
    """Markdown of the card, from the numbers of the run alone."""
    kind, data, recipe = manifest["kind"], manifest["dataset"], manifest["recipe"]
    stage = recipe[kind]
    return "\n".join(
        [
            *_header(manifest),
            f"# {TITLES[kind]} of {manifest['day']}",
            "",
            f"LoRA (r {recipe['lora']['r']}, alpha {recipe['lora']['alpha']}) on `{manifest['base']['name']}`"
            + (f", started from the adapter `{manifest['parent']['inputs_hash']}`." if manifest["parent"] else "."),
            "",
            "## Data",
            f"`{data['name']}` of {data['day']} (sha256 `{data['sha256']}`): {data['used']} rows"
            + (f" of the segment `{recipe['segment']}`" if recipe["segment"] else "")
            + f", dropped: {json.dumps(data['dropped'])}, cut: {data['cut']}.",
            "",
            "## Recipe",
            f"`{recipe['name']}`, seed {manifest['seed']}, learning rate {stage['learning_rate']:g} "
            f"({stage['schedule']}), effective batch {stage['batch'] * stage['accumulate']}, "
            f"at most {recipe['max_length']} tokens a row, quantisation: {recipe['quantization'] or 'none'}.",
            "",
            *([f"Learned {manifest['way']}.", ""] if "way" in manifest else []),
            "## Results",
            *_results(manifest),
            "",
            "## Limits",
            "Only for the base model named above (its hash is in `manifest.json`), whose limits and licence it "
            "inherits. "
            "It repeats what the logged answers taught, their mistakes included. "
            "How it compares on held-out questions is told by the evaluation report, not here.",
            "",
        ]
    )


def _header(manifest: dict[str, Any]) -> list[str]:
    return [
        "---",
        f"base_model: {json.dumps(manifest['base']['name'])}",
        "library_name: peft",
        f"pipeline_tag: {'text-classification' if manifest['kind'] == 'reward' else 'text-generation'}",
        f"tags: [{manifest['kind']}, lora, trl, transformers]",
        "---",
        "",
    ]


def _results(manifest: dict[str, Any]) -> list[str]:
    curve = manifest["loss_curve"]
    return [
        f"{manifest['steps']} steps, {manifest['tokens']:,} tokens in {manifest['wall_s']:.0f} s on "
        f"{manifest['device']}; loss {curve[0][1]:.3f} at step {curve[0][0]}, {curve[-1][1]:.3f} at the end.",
        "",
        "| check | passed | value | limit |",
        "|---|---|---|---|",
        *(
            f"| {item['name']} ({item['what']}) | {'yes' if item['passed'] else 'NO'} "
            f"| {item['value']:.6g} | {item['limit']:.6g} |"
            for item in manifest["checks"].values()
        ),
    ]
