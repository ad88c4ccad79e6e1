"""Training scripts on request: for a file of rows, with the deployment's base model and recipe."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from rl_assets.core.home import Home
from rl_assets.models.base_models import TINY
from rl_assets.models.smollm2 import SMOLLM2
from rl_assets.recipes.recipe import named_recipe
from rl_assets.service.errors import ServiceError
from rl_assets.service.exports import export_path, save_text
from rl_assets.settings import Settings
from rl_assets.training.export.file_script import (
    FileTraining,
    ScriptConfigError,
    ScriptKind,
    file_script,
    with_config,
)


class ScriptRequest(BaseModel):
    """What to train. Paths are those of the machine that will train; `config` are values of the recipe's stage."""

    model_config = ConfigDict(extra="forbid")

    script_type: ScriptKind
    dataset_path: str = Field(min_length=1, max_length=4096)
    output_dir: str = Field(min_length=1, max_length=4096)
    sft_model_path: str | None = Field(None, min_length=1, max_length=4096)
    save_to_file: str | None = Field(None, min_length=1, max_length=1000)
    config: dict[str, Any] = Field(default_factory=dict)


def generate_script(request: ScriptRequest, settings: Settings) -> dict[str, Any]:
    """The reply, and the file if one is asked for. Raises ServiceError for DPO without a model to continue (400), for
    unknown or invalid values of `config` (422), and for a file that cannot be made (400)."""
    if request.script_type == "dpo" and request.sft_model_path is None:
        raise ServiceError(
            400, "DPO continues a supervised adapter: give its folder as sft_model_path", "sft_model_path"
        )
    home = settings.paths
    path = export_path(home.exports, request.save_to_file, ".py") if request.save_to_file else None
    try:
        recipe = with_config(named_recipe(settings.recipe), request.script_type, request.config)
    except ScriptConfigError as error:
        raise ServiceError(422, f"config: {error}", ".".join(filter(None, ("config", error.key)))) from None
    training = FileTraining(
        request.script_type,
        _base(settings.base_model, home),
        request.dataset_path,
        request.output_dir,
        request.sft_model_path,
        recipe,
    )
    script = file_script(training)
    if path:
        save_text(path, script)
    return {
        "script": script,
        "script_type": request.script_type,
        "saved_to": str(path) if path else None,
        "config": training.config,
    }


def _base(name: str, home: Home) -> str:
    """What from_pretrained takes: models that the project makes lie in the home."""
    return (
        str(home.models / name)
        if name in (TINY, SMOLLM2)
        else str(Path(name).absolute())
        if Path(name).is_dir()
        else name
    )
