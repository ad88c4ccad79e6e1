"""The forms of an export: which datasets each is for, and the files that the tool which reads it wants alongside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from rl_assets.datasets.exports import alpaca, argilla, axolotl_rows, openai_files, sharegpt, trl_rows
from rl_assets.datasets.exports.rows import Convert, Row


@dataclass(frozen=True)
class Form:
    """How rows of each dataset are converted, and what other tools must be told about the file.

    `llamafactory`: the entry of dataset_info.json in its `dataset_dir`; `axolotl`: the settings of the training and of
    the dataset; `settings`: a file of its own. A file is JSON lines, or one JSON array. `guessed`: tools load
    it with the library `datasets`, which guesses types.
    """

    convert: Mapping[str, Convert]
    layout: Literal["lines", "array"] = "lines"
    llamafactory: Callable[[str], Row] | None = None
    axolotl: Mapping[str, tuple[Row, Row]] = field(default_factory=dict)
    settings: Callable[[str], Row] | None = None
    guessed: bool = True


FORMS: dict[str, Form] = {
    "prompt_completion": Form({"sft_dataset": trl_rows.prompt_completion}),
    "instruction": Form({"sft_dataset": trl_rows.instruction}),
    "verifiable": Form({"grpo_dataset": trl_rows.verifiable}),
    "sharegpt": Form(sharegpt.CONVERT, llamafactory=sharegpt.llamafactory, axolotl=sharegpt.AXOLOTL),
    "alpaca": Form(alpaca.CONVERT, llamafactory=alpaca.llamafactory),
    "orpo": Form(axolotl_rows.ORPO, axolotl=dict.fromkeys(axolotl_rows.ORPO, axolotl_rows.ORPO_SETTINGS)),
    "kto": Form(axolotl_rows.KTO, axolotl=dict.fromkeys(axolotl_rows.KTO, axolotl_rows.KTO_SETTINGS)),
    "bradley_terry": Form(
        axolotl_rows.BRADLEY_TERRY,
        axolotl=dict.fromkeys(axolotl_rows.BRADLEY_TERRY, axolotl_rows.BRADLEY_TERRY_SETTINGS),
    ),
    "openai": Form(openai_files.CONVERT, guessed=False),
    "argilla": Form(argilla.CONVERT, layout="array", settings=argilla.settings, guessed=False),
}


def forms_of(dataset: str) -> list[str]:
    """Names of the forms that a dataset can be exported in."""
    return [name for name, form in FORMS.items() if dataset in form.convert]
