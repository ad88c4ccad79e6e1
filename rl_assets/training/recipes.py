"""Training recipes: plain, validated values with names; unknown keys are errors, and nothing here imports torch."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from rl_assets.files import sha256_json

FULL_FINE_TUNING_RATE = 2e-5


class Frozen(BaseModel):
    """A value that refuses keys it does not know and cannot be changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LoraRecipe(Frozen):
    """Low-rank adaptation (Hu et al. 2021, arXiv:2106.09685); updates are scaled by alpha / r."""

    r: int = Field(16, ge=1)
    alpha: int = Field(32, ge=1)
    dropout: float = Field(0.05, ge=0, lt=1)
    target_modules: Literal["all-linear"] | tuple[str, ...] = "all-linear"


class StageRecipe(Frozen):
    """How one stage is optimised. The effective batch is `batch` x `accumulate`; `max_steps` overrides `epochs`."""

    learning_rate: float = Field(gt=0)
    schedule: Literal["cosine", "linear", "constant"]
    warmup: float = Field(ge=0, lt=1, description="Share of the steps.")
    batch: int = Field(ge=1)
    accumulate: int = Field(1, ge=1)
    epochs: float = Field(1, gt=0)
    max_steps: int | None = Field(None, ge=1)
    max_grad_norm: float = Field(1.0, gt=0)
    optimizer: Literal["adamw_torch", "adamw_torch_fused", "paged_adamw_8bit"] = "adamw_torch_fused"
    gradient_checkpointing: bool = False
    checkpoint_every: int = Field(100, ge=1, description="Steps between checkpoints.")


class SftRecipe(StageRecipe):
    """Supervised fine-tuning on the answer's tokens, its end of turn included."""

    learning_rate: float = Field(2e-4, gt=0)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = Field(0.03, ge=0, lt=1)
    batch: int = Field(16, ge=1)
    epochs: float = Field(3, gt=0)
    sampling: Literal["random", "group_by_length"] = "random"


class DpoRecipe(StageRecipe):
    """Direct preference optimisation (Rafailov et al. 2023, arXiv:2305.18290) against the SFT adapter.

    `loss` with "sft" adds the chosen answer's negative log-likelihood, which keeps its probability from falling.
    """

    learning_rate: float = Field(5e-6, gt=0)
    schedule: Literal["cosine", "linear", "constant"] = "linear"
    warmup: float = Field(0.1, ge=0, lt=1)
    batch: int = Field(16, ge=1)
    beta: float = Field(0.1, gt=0)
    loss: tuple[Literal["sigmoid", "sft"], ...] = ("sigmoid",)
    precompute_reference: bool = True


class Recipe(Frozen):
    """Everything that decides training besides model and data.

    `segment` keeps to the rows of one slice of the product. A row longer than `max_length` tokens is dropped, or its
    prompt loses its oldest turns ("cut"); a turn is never cut.
    """

    name: str
    segment: str | None = None
    seed: int = Field(0, ge=0)
    max_length: int = Field(2048, ge=8)
    on_overlong: Literal["drop", "cut"] = "drop"
    min_rows_sft: int = Field(100, ge=1)
    min_rows_dpo: int = Field(50, ge=1)
    lora: LoraRecipe = LoraRecipe()
    sft: SftRecipe = SftRecipe()
    dpo: DpoRecipe = DpoRecipe()
    quantization: Literal["nf4", "int8"] | None = None


def _tiny_cpu() -> Recipe:
    # Rates are some 500 times those of real models: the base has 0.65M parameters.
    return Recipe(
        name="tiny_cpu",
        segment="parts-manual",
        max_length=256,
        lora=LoraRecipe(dropout=0.0),
        sft=SftRecipe(learning_rate=2e-3, max_steps=260, checkpoint_every=65),
        dpo=DpoRecipe(learning_rate=1e-3, max_steps=120, checkpoint_every=30, loss=("sigmoid", "sft")),
    )


def _large(name: str, *, quantization: Literal["nf4", "int8"] | None, accumulate: int, max_grad_norm: float) -> Recipe:
    """A 7-8B recipe with small batches, accumulation and gradient checkpointing."""
    shared = {
        "batch": 16 // accumulate,
        "accumulate": accumulate,
        "gradient_checkpointing": True,
        "max_grad_norm": max_grad_norm,
        "optimizer": "paged_adamw_8bit" if quantization else "adamw_torch_fused",
    }
    return Recipe(
        name=name,
        quantization=quantization,
        sft=SftRecipe.model_validate(shared | {"sampling": "group_by_length"}),
        dpo=DpoRecipe.model_validate(shared),
    )


def _low_vram() -> Recipe:
    """For 12 to 16 GB of GPU memory and models up to 1.3B parameters: one row at a time."""
    shared = {"batch": 1, "accumulate": 16, "gradient_checkpointing": True}
    return Recipe(
        name="low_vram",
        max_length=1024,
        sft=SftRecipe.model_validate(shared),
        dpo=DpoRecipe.model_validate(shared),
    )


PRESETS: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        _tiny_cpu(),
        Recipe(name="lora_0_5b"),
        _large("lora_7b", quantization=None, accumulate=4, max_grad_norm=1.0),
        _large("qlora_7b", quantization="nf4", accumulate=4, max_grad_norm=1.0),
        _large("qlora_8b", quantization="nf4", accumulate=8, max_grad_norm=0.3),
        _low_vram(),
    )
}


def preset(name: str) -> Recipe:
    """The recipe of that name; ValueError with all names where there is none."""
    if name not in PRESETS:
        raise ValueError(f"There is no training recipe {name!r}. Use one of: {', '.join(PRESETS)}.")
    return PRESETS[name]


def recipe_hash(recipe: Recipe) -> str:
    """Hex sha256 of the recipe's values."""
    return sha256_json(recipe.model_dump(mode="json"))


def recipe_warnings(recipe: Recipe) -> list[str]:
    """What is allowed and yet rarely meant, in sentences."""
    if recipe.sft.learning_rate > FULL_FINE_TUNING_RATE:
        return []
    return [
        f"Recipe {recipe.name}: the SFT learning rate {recipe.sft.learning_rate:g} is one for full fine-tuning; "
        "LoRA usually wants ten times as much (2e-4)."
    ]
