"""The adapter's model card: Hugging Face's YAML header and, in words, where it comes from and what was checked."""

import json

from rl_assets.models.adapters import AdapterKind, AdapterManifest

TITLES: dict[AdapterKind, str] = {
    "sft": "Supervised fine-tuning adapter",
    "dpo": "Preference (DPO) adapter",
    "kto": "Binary feedback (KTO) adapter",
    "grpo": "Adapter learned from groups of answers",
    "reward": "Reward model",
}


def model_card(manifest: AdapterManifest) -> str:
    """Markdown of the card, from what the run measured alone."""
    return "\n".join(
        [
            *_header(manifest),
            f"# {TITLES[manifest.kind]} of {manifest.day}",
            "",
            _origin(manifest),
            "",
            "## Data",
            _data(manifest),
            "",
            "## Recipe",
            _recipe(manifest),
            "",
            *([f"Method: {manifest.method}.", ""] if manifest.method else []),
            "## Results",
            *_results(manifest),
            "",
            "## Limits",
            "Only for the base model named above (its hash is in `manifest.json`), whose limits and licence it "
            "inherits. "
            "It repeats what the logged answers contain, their mistakes included. "
            "The evaluation report, not this card, says how it compares on held-out questions.",
            "",
        ]
    )


def _header(manifest: AdapterManifest) -> list[str]:
    return [
        "---",
        f"base_model: {json.dumps(manifest.base.name)}",
        "library_name: peft",
        f"pipeline_tag: {'text-classification' if manifest.kind == 'reward' else 'text-generation'}",
        f"tags: [{manifest.kind}, lora, trl, transformers]",
        "---",
        "",
    ]


def _origin(manifest: AdapterManifest) -> str:
    lora, parent = manifest.recipe["lora"], manifest.parent
    return (
        f"LoRA (r {lora['r']}, lora_alpha {lora['lora_alpha']}) on `{manifest.base.name}`"
        f"{f', started from the adapter `{parent.inputs_hash}`' if parent else ''}."
    )


def _data(manifest: AdapterManifest) -> str:
    data, segment = manifest.dataset, manifest.recipe["segment"]
    return (
        f"`{data.name}` of {data.day} (sha256 `{data.sha256}`): {data.used} rows"
        f"{f' of the segment `{segment}`' if segment else ''}, dropped: {json.dumps(data.dropped)}, cut: {data.cut}."
    )


def _recipe(manifest: AdapterManifest) -> str:
    recipe, stage = manifest.recipe, manifest.recipe[manifest.kind]
    return (
        f"`{recipe['name']}`, seed {manifest.seed}, learning rate {stage['learning_rate']:g} "
        f"({stage['lr_scheduler_type']}), effective batch size {stage['effective_batch_size']}, "
        f"at most {recipe['max_length']} tokens per row, quantization: {recipe['quantization'] or 'none'}."
    )


def _results(manifest: AdapterManifest) -> list[str]:
    (first_step, first_loss, _), (_, last_loss, _) = manifest.loss_curve[0], manifest.loss_curve[-1]
    return [
        f"{manifest.steps} steps, {manifest.tokens:,} tokens in {manifest.wall_s:.0f} s on "
        f"{manifest.device}; loss {first_loss:.3f} at step {first_step}, {last_loss:.3f} at the end.",
        "",
        "| check | passed | value | limit |",
        "|---|---|---|---|",
        *(
            f"| {check.name} ({check.what}) | {'yes' if check.passed else 'NO'} | {check.value:.6g} "
            f"| {check.limit:.6g} |"
            for check in manifest.checks.values()
        ),
    ]
