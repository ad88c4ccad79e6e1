"""Training recipes: presets by name and recipe files. Unknown keys are errors; torch is not imported."""

import difflib
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from rl_assets.core.files import sha256_json
from rl_assets.core.validation import problems
from rl_assets.recipes.chat_template import DEFAULT_RULES, ChatTemplateRecipe
from rl_assets.recipes.stages import (
    DpoRecipe,
    Frozen,
    GrpoRecipe,
    KtoRecipe,
    LoraRecipe,
    PpoRecipe,
    RewardRecipe,
    SftRecipe,
)

# The metrics that a decision may rest on, the strongest first; "auto" takes the first that the held-out rows can feed.
PrimaryMetric = Literal[
    "served_reward",
    "task_success",
    "field_f1",
    "exact_match",
    "judged_win_rate",
    "reward_score",
    "likelihood_accuracy",
]
DeclaredMetric = Literal["auto"] | PrimaryMetric
# Keys about evaluation, which change no adapter.
DECIDING = ("candidate", "primary", "primary_reason")
STAGES = ("sft", "dpo", "kto", "grpo", "ppo", "reward")
# Fields of a recipe that keep some rows.
FILTERS = ("segment", "agents", "categories", "tasks", "sources")


class Recipe(Frozen):
    """Everything that decides training besides model and data.

    `segment`, `agents`, `categories`, `tasks` and `sources` (log formats, such as `tensorzero`) keep the rows of one
    part of the product; empty ones keep all. A row longer than `max_length` tokens is dropped, or its prompt loses its
    oldest turns ("cut"); a turn is never cut. `chat_template` says what becomes of rows that the base
    model's template does not serve as they are. `candidate` is the kind of adapter that is evaluated and may become
    champion, `primary` the metric that decides on it, and `primary_reason` why it differs from the metric that has
    decided so far; they decide nothing about training.
    """

    name: str
    segment: str | None = None
    agents: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    candidate: Literal["sft", "dpo", "kto", "grpo", "ppo"] = "dpo"
    primary: DeclaredMetric = "auto"
    primary_reason: str | None = None
    seed: int = Field(0, ge=0)
    max_length: int = Field(2048, ge=8)
    on_overlong: Literal["drop", "cut"] = "drop"
    chat_template: ChatTemplateRecipe = DEFAULT_RULES
    min_rows_sft: int = Field(100, ge=1)
    min_rows_dpo: int = Field(50, ge=1)
    min_rows_kto: int = Field(100, ge=1)
    min_rows_grpo: int = Field(40, ge=1)
    min_rows_ppo: int = Field(40, ge=1)
    min_rows_reward: int = Field(50, ge=1)
    lora: LoraRecipe = LoraRecipe()
    sft: SftRecipe = SftRecipe()
    dpo: DpoRecipe = DpoRecipe()
    kto: KtoRecipe = KtoRecipe()
    grpo: GrpoRecipe = GrpoRecipe()
    ppo: PpoRecipe = PpoRecipe()
    reward: RewardRecipe = RewardRecipe()
    quantization: Literal["nf4", "int8"] | None = None


def matches_filters(metadata: dict[str, Any], recipe: Recipe) -> bool:
    """Whether a row is of the recipe's segment, categories, tasks, sources and agents.

    A row of several answers is of the agents only if they gave all of them. Human corrections are by the agent `human`.
    """
    agents = metadata.get("agents") or [metadata.get("agent")]
    return (
        (recipe.segment is None or metadata["segment"] == recipe.segment)
        and (not recipe.categories or metadata.get("category") in recipe.categories)
        and (not recipe.tasks or metadata.get("task") in recipe.tasks)
        and (not recipe.sources or metadata.get("log_format") in recipe.sources)
        and (not recipe.agents or set(agents) <= set(recipe.agents))
    )


def matches_slice(metadata: dict[str, Any], recipe: Recipe) -> bool:
    """Whether a row is of the recipe's part of the product, whichever agent answered."""
    return matches_filters(metadata, recipe.model_copy(update={"agents": ()}))


def filters_of(recipe: Recipe) -> dict[str, Any]:
    """The filters that the recipe sets, as JSON values."""
    return recipe.model_dump(mode="json", include=set(FILTERS), exclude_defaults=True)


def _tiny_cpu() -> Recipe:
    # Rates are some 500 times those of real models: the base has 0.65M parameters.
    return Recipe(
        name="tiny_cpu",
        # Some 1,900 characters of any text: the base's tokenizer knows little but its parts.
        max_length=1024,
        lora=LoraRecipe(lora_dropout=0.0),
        sft=SftRecipe(learning_rate=2e-3, max_steps=260, save_steps=65),
        dpo=DpoRecipe(learning_rate=1e-3, max_steps=120, save_steps=30, loss_type=("sigmoid", "sft")),
        kto=KtoRecipe(learning_rate=5e-4, max_steps=120, save_steps=30, beta=0.3),
        grpo=GrpoRecipe(
            learning_rate=2e-3, lr_scheduler_type="cosine", max_steps=120, save_steps=30, max_completion_length=48
        ),
        # For rewards by rule; with a learned one, beta is to be 0.3.
        ppo=PpoRecipe(
            learning_rate=1e-3,
            critic_learning_rate=3e-3,
            rollouts=24,
            rollout_size=32,
            max_completion_length=48,
            beta=0.05,
            target_kl=1.0,
        ),
        reward=RewardRecipe(learning_rate=1e-3, max_steps=120, save_steps=30),
    )


def _large(
    name: str,
    *,
    quantization: Literal["nf4", "int8"] | None,
    gradient_accumulation_steps: int,
    max_grad_norm: float,
) -> Recipe:
    """A 7-8B recipe with small batches, accumulation and gradient checkpointing."""
    shared = {
        "gradient_accumulation_steps": gradient_accumulation_steps,
        "gradient_checkpointing": True,
        "max_grad_norm": max_grad_norm,
        "optim": "paged_adamw_8bit" if quantization else "adamw_torch_fused",
    }
    return Recipe(
        name=name,
        quantization=quantization,
        sft=SftRecipe.model_validate(shared | {"train_sampling_strategy": "group_by_length"}),
        dpo=DpoRecipe.model_validate(shared | {"train_sampling_strategy": "group_by_length"}),
        kto=KtoRecipe.model_validate(shared),
        grpo=GrpoRecipe.model_validate(shared),
        ppo=PpoRecipe.model_validate(shared),
        reward=RewardRecipe.model_validate(shared),
    )


def _low_vram() -> Recipe:
    """For 12 to 16 GB of GPU memory and models up to 1.3B parameters: one row at a time."""
    shared = {"gradient_accumulation_steps": 16, "gradient_checkpointing": True}
    return Recipe(
        name="low_vram",
        max_length=1024,
        sft=SftRecipe.model_validate(shared),
        dpo=DpoRecipe.model_validate(shared),
        kto=KtoRecipe.model_validate(shared | {"gradient_accumulation_steps": 8}),
        grpo=GrpoRecipe.model_validate(shared),
        ppo=PpoRecipe.model_validate(shared),
        reward=RewardRecipe.model_validate(shared),
    )


def _lora_135m() -> Recipe:
    """For models of some 135 million parameters: a few hundred steps of short rows, which a CPU does in half an hour.

    Rates are higher than those of larger models (2e-4, 5e-6): with them so few steps would change little.
    """
    return Recipe(
        name="lora_135m",
        max_length=512,
        lora=LoraRecipe(lora_dropout=0.0),
        sft=SftRecipe(learning_rate=5e-4, effective_batch_size=8, max_steps=200, save_steps=20),
        dpo=DpoRecipe(learning_rate=5e-5, effective_batch_size=8, max_steps=100, save_steps=20),
        kto=KtoRecipe(learning_rate=5e-5, effective_batch_size=8, max_steps=100, save_steps=20),
        grpo=GrpoRecipe(effective_batch_size=8, max_steps=100, save_steps=20),
        ppo=PpoRecipe(rollouts=40, rollout_size=32, effective_batch_size=8, max_completion_length=128),
        reward=RewardRecipe(effective_batch_size=8, max_steps=100, save_steps=20),
    )


PRESETS: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        _tiny_cpu(),
        # The quickstart's one part that a model of this size can learn, whose rows are short.
        _tiny_cpu().model_copy(
            update={"name": "demo", "segment": "parts-manual", "max_length": 256, "primary": "exact_match"}
        ),
        _lora_135m(),
        Recipe(name="lora_0_5b"),
        _large("lora_7b", quantization=None, gradient_accumulation_steps=4, max_grad_norm=1.0),
        _large("qlora_7b", quantization="nf4", gradient_accumulation_steps=4, max_grad_norm=1.0),
        _large("qlora_8b", quantization="nf4", gradient_accumulation_steps=8, max_grad_norm=0.3),
        _low_vram(),
    )
}


def preset(name: str) -> Recipe:
    """The recipe of that name; ValueError with all names if there is none."""
    if name not in PRESETS:
        close = difflib.get_close_matches(name, PRESETS, n=1)
        nearest = f"did you mean {close[0]}? " if close else ""
        raise ValueError(f"There is no training recipe {name!r}: {nearest}Use one of {', '.join(PRESETS)}, or a file.")
    return PRESETS[name]


def named_recipe(name: str) -> Recipe:
    """The recipe of a YAML file if `name` ends with .yaml or .yml, else the preset of that name."""
    return recipe_file(Path(name)) if name.endswith((".yaml", ".yml")) else preset(name)


def recipe_file(path: Path) -> Recipe:
    """The recipe in a YAML file: its values, on top of those of the preset that its key `preset` names, if it does.

    ValueError names the file and every unknown or invalid key; FileNotFoundError if there is no file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"No recipe file {path.absolute()}: name a file, or one of {', '.join(PRESETS)}.")
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"The recipe file {path} is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"The recipe file {path} holds {type(values).__name__}, expected a mapping of recipe keys.")
    parent = values.pop("preset", None)
    inherited = preset(parent).model_dump() if parent is not None else {}
    try:
        return Recipe.model_validate(_merged(inherited, {"name": path.stem} | values))
    except ValidationError as error:
        raise ValueError(f"The recipe file {path} is invalid: {problems(error, schema=Recipe)}") from None


def adjusted(recipe: Recipe, values: dict[str, Any]) -> Recipe:
    """The recipe with other values, stage by stage; ValueError names every unknown or invalid key."""
    try:
        return Recipe.model_validate(_merged(recipe.model_dump(), values))
    except ValidationError as error:
        raise ValueError(
            f"The recipe {recipe.name} cannot have these values: {problems(error, 'the recipe', Recipe)}"
        ) from None


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`over` on top of `under`, stage by stage."""
    return under | {
        key: under[key] | value if isinstance(value, dict) and isinstance(under.get(key), dict) else value
        for key, value in over.items()
    }


def recipe_hash(recipe: Recipe, stage: str | None = None) -> str:
    """Hex sha256 of the recipe's values, or of those that decide what `stage` gives: not of other stages' values."""
    others = {name for name in STAGES if stage is not None and name != stage}
    irrelevant = {*DECIDING, *(f"min_rows_{name}" for name in STAGES)} if stage is not None else set()
    return sha256_json(recipe.model_dump(mode="json", exclude=others | irrelevant))
