"""Rows with images as TRL's trainer takes them, and which of them fit the model."""

from pathlib import Path
from typing import Any

from rl_assets.models.chat_template import ESCAPED, REFUSED, WITH_CONTROL_TOKENS, escape, has_control_tokens
from rl_assets.recipes.recipe import Recipe
from rl_assets.training.data.rows import Row, TrainingRows, read_split, require_min_rows
from rl_assets.training.errors import TOO_LONG


def read_vision_rows(dataset: Path, recipe: Recipe) -> TrainingRows:
    """{prompt, completion, images} rows of the recipe's segment: the last answer is the completion.

    Contents are texts; the trainer puts the images before the first question, as in our rows. Images are
    {bytes, path}, and stay encoded until a batch needs them.
    """
    kept = TrainingRows()
    for record in read_split(dataset, ["messages", "images"], recipe, kept):
        *prompt, answer = [_plain(message) for message in record["messages"]]
        kept.rows.append({"prompt": prompt, "completion": [answer], "images": record["images"]})
        kept.ids.append(record["id"])
    return kept


def _plain(message: dict[str, Any]) -> dict[str, str]:
    texts = [part["text"] for part in message["content"] if part["type"] == "text"]
    return {"role": message["role"], "content": "\n".join(texts)}


def fitting_rows(
    rows: TrainingRows, dataset: Path, recipe: Recipe, processor: Any
) -> tuple[TrainingRows, list[list[int]]]:
    """The rows of at most `max_length` tokens, their images' included, and the token ids that each trains.

    Measured by the very collator that the trainer uses. Raises NotEnoughRows.
    """
    fitting, trained = TrainingRows(dropped=rows.dropped), []
    collate, escaping = collator(processor), recipe.chat_template.on_control_tokens == "escape"
    for row, identity in zip(rows.rows, rows.ids, strict=True):
        typed = has_control_tokens(processor.tokenizer, row["prompt"] + row["completion"])
        if typed and not escaping:
            fitting.dropped[WITH_CONTROL_TOKENS] += 1
            continue
        if typed:
            row |= {side: escape(processor.tokenizer, row[side]) for side in ("prompt", "completion")}
        length, tokens = _length_and_labels(row, collate)
        if not length:
            fitting.dropped[REFUSED] += 1
        elif length > recipe.max_length:
            fitting.dropped[TOO_LONG] += 1
        else:
            fitting.rows.append(row)
            fitting.ids.append(identity)
            fitting.adapted.update([ESCAPED] if typed else [])
            trained.append(tokens)
    return require_min_rows(fitting, recipe.min_rows_sft, dataset, recipe), trained


def _length_and_labels(row: Row, collate: Any) -> tuple[int, list[int]]:
    """The row's tokens, and the trained token ids; none if the chat template refuses it."""
    from jinja2 import TemplateError

    try:
        batch = collate([row | {"images": [_decode(image) for image in row["images"]]}])
    except TemplateError:
        return 0, []
    labels = batch["labels"][0].tolist()
    return len(labels), [token for token in labels if token >= 0]


def _decode(encoded: dict[str, Any]) -> Any:
    import io

    from PIL import Image

    with Image.open(io.BytesIO(encoded["bytes"])) as image:
        return image.convert("RGB")


def collator(processor: Any) -> Any:
    """TRL's collator of images and texts; the loss covers the answers alone."""
    from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

    return DataCollatorForVisionLanguageModeling(processor=processor, completion_only_loss=True)
