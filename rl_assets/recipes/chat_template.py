"""What a training does about conversations that the base model's chat template does not serve as they are."""

import datetime
from typing import Literal

from pydantic import Field

from rl_assets.recipes.stages import Frozen


class ChatTemplateRecipe(Frozen):
    """Rules for rows and the base model's chat template; training, evaluation and serving render by the same ones.

    The date is part of the adapter's hash. Rows that a rule drops are counted by reason.
    """

    on_system_refused: Literal["drop", "merge"] = Field(
        "drop",
        description="A system turn that the template refuses or leaves out: drop the row, or merge the turn into the "
        "user's first one.",
    )
    on_control_tokens: Literal["drop", "escape"] = Field(
        "drop",
        description="Control tokens in a text, such as `<|im_end|>`: drop the row, or break the token by a space.",
    )
    on_prompt_mismatch: Literal["drop", "keep"] = Field(
        "drop",
        description="The prompt as it is served is no prefix of the text that is trained, as with templates that open "
        "`<think>` and train answers without it: drop the row, or train on it.",
    )
    date: datetime.date = Field(datetime.date(2024, 7, 26), description="Today's date for templates that print it.")


DEFAULT_RULES = ChatTemplateRecipe()
