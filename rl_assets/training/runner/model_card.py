"""The adapter's model card: Hugging Face's YAML header, how to load it, where it comes from and what was checked."""

import json

from rl_assets.models.adapters import AdapterKind, AdapterManifest
from rl_assets.models.base_facts import UNKNOWN, public_name

TITLES: dict[AdapterKind, str] = {
    "sft": "Supervised fine-tuning adapter",
    "dpo": "Preference (DPO) adapter",
    "kto": "Binary feedback (KTO) adapter",
    "grpo": "Adapter learned from groups of answers",
    "ppo": "Adapter learned from its own answers (PPO)",
    "reward": "Reward model",
}
VISION_DATASET = "multimodal_vision_dataset"
# The adapter's prompts are those of its training: with its date, its system turns, its texts.
TEMPLATE = 'tokenizer.chat_template = Path(ADAPTER, "chat_template.jinja").read_text(encoding="utf-8")'
GENERATION = [
    'chat = [{"role": "user", "content": "A question"}]',
    'inputs = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=True, return_tensors="pt")',
    "output = model.generate(**inputs, max_new_tokens=256, do_sample=False)",
    'print(tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))',
]
SCORING = [
    'chat = [{"role": "user", "content": "A question"}, {"role": "assistant", "content": "An answer"}]',
    'inputs = tokenizer.apply_chat_template(chat, return_dict=True, return_tensors="pt")',
    "print(float(model(**inputs).logits[0, 0]))",
]


def model_card(manifest: AdapterManifest, *, own_template: bool = False) -> str:
    """Markdown of the card, from what the run measured alone; `own_template` if the folder has a chat template."""
    return "\n".join(
        [
            *_header(manifest),
            f"# {TITLES[manifest.kind]} of {manifest.day}",
            "",
            _origin(manifest),
            "",
            "## Use",
            *_usage(manifest, own_template),
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
            "## Versions",
            ", ".join(f"{name} {version}" for name, version in manifest.versions.items()) + ".",
            "",
            "## Limits",
            "Only for the base model named above, whose limits and licence it inherits. "
            "It repeats what the logged answers contain, their mistakes included. "
            "The evaluation report, not this card, says how it compares on held-out questions.",
            "",
        ]
    )


def _header(manifest: AdapterManifest) -> list[str]:
    return [
        "---",
        f"base_model: {json.dumps(public_name(manifest.base.name))}",
        f"license: {json.dumps(manifest.base.license)}",
        "library_name: peft",
        f"pipeline_tag: {'text-classification' if manifest.kind == 'reward' else 'text-generation'}",
        f"tags: [{manifest.kind}, lora, trl, transformers]",
        "---",
        "",
    ]


def _origin(manifest: AdapterManifest) -> str:
    lora, parent, base = manifest.recipe["lora"], manifest.parent, manifest.base
    license_of_base = (
        "Nothing in the base model's folder says under which licence it is: ask its publisher before you pass this on."
        if base.license == UNKNOWN
        else f"The base model's licence is {base.license}."
    )
    return (
        f"LoRA (r {lora['r']}, lora_alpha {lora['lora_alpha']}) on `{public_name(base.name)}`"
        f"{f' ({base.source})' if base.source else ''}, sha256 `{base.sha256}`"
        f"{f', started from the adapter `{parent.inputs_hash}`' if parent else ''}. {license_of_base}"
    )


def _usage(manifest: AdapterManifest, own_template: bool) -> list[str]:
    """Python that loads base and adapter with PEFT and lets them answer, or score."""
    loader, options = ("AutoModelForCausalLM", "")
    lines = GENERATION
    if manifest.kind == "reward":
        loader, options, lines = "AutoModelForSequenceClassification", ", num_labels=1", SCORING
    if manifest.dataset.name == VISION_DATASET:
        loader, lines = "AutoModelForImageTextToText", []
    return [
        "`BASE` is the base model: its id, or the folder with exactly these files; `ADAPTER` is this folder.",
        "",
        "```python",
        *(["from pathlib import Path", ""] if own_template else []),
        "from peft import PeftModel",
        f"from transformers import {loader}, AutoTokenizer",
        "",
        f"BASE, ADAPTER = {json.dumps(public_name(manifest.base.name))}, {json.dumps('.')}",
        "tokenizer = AutoTokenizer.from_pretrained(BASE)",
        *([TEMPLATE] if own_template else []),
        f"model = PeftModel.from_pretrained({loader}.from_pretrained(BASE{options}), ADAPTER).eval()",
        *lines,
        "```",
    ]


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
