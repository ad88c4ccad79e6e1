"""Publishing what was trained: weights, configuration, model card and, last, the manifest."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rl_assets.core.files import sha256_text, write_json
from rl_assets.models.adapters import (
    CONFIG,
    WEIGHTS,
    Adapter,
    AdapterManifest,
    AdapterReference,
    BaseReference,
    Check,
    DatasetReference,
    publish,
    read_adapter,
)
from rl_assets.models.base_facts import facts_of, public_name
from rl_assets.models.base_models import BaseModel
from rl_assets.models.chat_template import FILE as TEMPLATE
from rl_assets.models.chat_template import has_rules
from rl_assets.models.loading import load_tokenizer
from rl_assets.models.runtime import is_main_process, library_versions
from rl_assets.recipes.fit import highest_rate
from rl_assets.recipes.stages import OptimizerRecipe
from rl_assets.training.runner.checks import (
    adapter_size_check,
    learning_rate_check,
    max_or_nan,
    template_check,
    weights_reload_check,
)
from rl_assets.training.runner.disk import explain_full_disk
from rl_assets.training.runner.merging import merging_checks
from rl_assets.training.runner.model_card import model_card
from rl_assets.training.runner.run import Trained, TrainingRun


def publish_adapter(run: TrainingRun, trained: Trained) -> Adapter:
    """The adapter, written by the main process, for which others that train with it wait, and read by those."""
    from accelerate import PartialState

    with PartialState().main_process_first(), explain_full_disk(run.folder):
        return _write_adapter(run, trained) if is_main_process() else read_adapter(run.folder)


def _write_adapter(run: TrainingRun, trained: Trained) -> Adapter:
    checks = [*trained.checks, weights_reload_check(_save_weights(trained.model, run.folder, run.job.base))]
    checks += [
        adapter_size_check((run.folder / WEIGHTS).stat().st_size, trained_bytes(trained.model)),
        _rate_check(run),
        template_check(trained.rows),
    ]
    base, quantization = run.job.base, run.job.recipe.quantization
    tokenizer = load_tokenizer(base, run.job.recipe.chat_template)
    if run.inputs.kind != "reward":
        checks += merging_checks(trained.model, tokenizer, trained.rows, base, run.folder, quantization, run.log)
    manifest = _manifest(run, trained, checks, tokenizer.chat_template)
    if has_rules(tokenizer):
        (run.folder / TEMPLATE).write_text(tokenizer.chat_template, encoding="utf-8")
    card = model_card(manifest, own_template=has_rules(tokenizer))
    (run.folder / "README.md").write_text(card, encoding="utf-8")
    return publish(run.folder, manifest)


def _manifest(run: TrainingRun, trained: Trained, checks: list[Check], template: str) -> AdapterManifest:
    job, inputs = run.job, run.inputs
    dataset = run.dataset.model_dump(include={"name", "day", "sha256"}) | trained.rows.counts()
    return AdapterManifest(
        **trained.metrics.model_dump(),
        **trained.details,
        kind=inputs.kind,
        day=job.day,
        sha256="",
        base=_base_reference(job.base),
        parent=_reference(job.parent),
        reward_model=_reference(job.used_reward_model),
        dataset=DatasetReference.model_validate(dataset),
        recipe=job.recipe.model_dump(mode="json"),
        chat_template_sha256=sha256_text(template),
        recipe_hash=inputs.recipe_hash,
        seed=inputs.seed,
        training_version=inputs.training_version,
        versions=library_versions(),
        checks={check.name: check for check in checks},
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _base_reference(base: BaseModel) -> BaseReference:
    facts = facts_of(base)
    return BaseReference(name=base.name, sha256=base.sha256, license=facts.license, source=facts.source)


def _rate_check(run: TrainingRun) -> Check:
    kind = run.job.adapter_kind
    stage: OptimizerRecipe = getattr(run.job.recipe, kind)
    limit = highest_rate(run.job.recipe, kind, facts_of(run.job.base).hidden_size)
    return learning_rate_check(stage.learning_rate, limit)


def trained_bytes(model: Any) -> int:
    """Bytes of the adapter by its configuration: r x (inputs + outputs) numbers a layer, and layers trained in full."""
    total = 0
    for module in model.modules():
        if "default" in getattr(module, "lora_A", {}):
            first = module.lora_A["default"].weight
            total += module.r["default"] * (module.in_features + module.out_features) * first.element_size()
        elif "default" in (getattr(module, "modules_to_save", None) or {}):
            total += sum(
                weight.numel() * weight.element_size() for weight in module.modules_to_save["default"].parameters()
            )
    return total


def _reference(adapter: Adapter | None) -> AdapterReference | None:
    return AdapterReference(inputs_hash=adapter.inputs_hash, sha256=adapter.sha256) if adapter else None


def _save_weights(model: Any, folder: Path, base: BaseModel) -> float:
    """Save the trained adapter alone; the largest difference between what is on disk and what is in memory.

    Its configuration names the base without a path of this machine.
    """
    from peft import get_peft_model_state_dict
    from safetensors.torch import load_file

    model.save_pretrained(folder, selected_adapters=["default"])
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    write_json(folder / CONFIG, config | {"base_model_name_or_path": public_name(base.name)})
    saved = load_file(folder / WEIGHTS)
    held = get_peft_model_state_dict(model, adapter_name="default")
    if saved.keys() != held.keys():
        return float("inf")
    return max_or_nan((saved[name] - held[name].cpu()).abs().max().item() for name in held)
