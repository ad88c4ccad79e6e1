"""Heads of all dimensions that a day's ratings can teach, into a folder that is named by what they were made from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pydantic import Field

from rl_assets.core.files import sha256_json
from rl_assets.core.validation import Record
from rl_assets.datasets.dimension_pairs import DimensionPairs
from rl_assets.datasets.dimensions import MIN_ALPHA, Agreement
from rl_assets.features.text_flags import refusals
from rl_assets.metrics.scales import Source
from rl_assets.rewards.answer_features import Embed, feature_names, feature_table
from rl_assets.rewards.dimension_data import DimensionData
from rl_assets.rewards.dimension_fit import Fit, fit_dimension
from rl_assets.rewards.dimension_model import (
    MODEL,
    StoredDimensions,
    StoredHead,
    read_dimensions,
    store_head,
    write_dimensions,
)

# Raised when equal ratings give other heads.
FIT_VERSION = 1


class DimensionOptions(Record):
    """What an operator may choose; all of it is part of the folder's name.

    `sources` say whose ratings may teach, the first with enough pairs does. `length_matters` names dimensions that may
    prefer an answer for its length, `force` those that recipes may use although they do not beat the length rule.
    """

    min_pairs: int = Field(100, ge=10)
    sources: tuple[Source, ...] = ("human", "verifier", "judge")
    length_matters: tuple[str, ...] = ()
    force: tuple[str, ...] = ()
    cosine: bool = True


@dataclass(frozen=True)
class DimensionHeads:
    """The heads, their folder, and whether they were fitted now."""

    stored: StoredDimensions
    folder: Path
    fitted: bool


def fit_dimensions(
    rows: DimensionPairs,
    agreement: Sequence[Agreement],
    options: DimensionOptions,
    folder: Path,
    embed: Embed,
    log: Callable[[str], None],
) -> DimensionHeads:
    """The heads of these ratings in `<folder>/<inputs hash>`: those that are there, or new ones."""
    inputs = {"rows": rows.content_hash(), "options": options.model_dump(mode="json"), "version": FIT_VERSION}
    version = sha256_json(inputs | {"backend": "linear"})[:20]
    if (folder / version / MODEL).is_file():
        return DimensionHeads(read_dimensions(folder / version), folder / version, fitted=False)
    noise = {one.dimension: one for one in agreement if one.is_noise}
    usable, skipped = _usable(rows, noise, options)
    heads = _heads(rows, usable, options, embed, log) if usable else {}
    stored = StoredDimensions(
        version=version,
        backend="linear",
        cosine=options.cosine,
        heads={name: head for name, head in heads.items() if isinstance(head, StoredHead)},
        skipped=skipped | {name: head for name, head in heads.items() if isinstance(head, str)},
    )
    write_dimensions(stored, folder / version)
    return DimensionHeads(stored, folder / version, fitted=True)


def _usable(
    rows: DimensionPairs, noise: dict[str, Agreement], options: DimensionOptions
) -> tuple[list[DimensionData], dict[str, str]]:
    """The dimensions that can be learned, and why each other one cannot."""
    usable, skipped = list[DimensionData](), dict[str, str]()
    for dimension in rows.dimensions:
        data = rows.of_dimension(dimension, options.sources, options.min_pairs)
        if dimension in noise:
            skipped[dimension] = (
                f"people agree hardly more than by chance ({noise[dimension]}; at least {MIN_ALPHA} is needed): a head "
                "would reward chance"
            )
        elif data is None:
            skipped[dimension] = f"none of its sources is one of {', '.join(options.sources)}"
        elif (pairs := len(data.pairs_in(rows.answers, ["train"]))) < options.min_pairs:
            skipped[dimension] = (
                f"{pairs} training pairs by {data.source}, {options.min_pairs} are needed: two differently rated "
                "answers to one prompt are a pair"
            )
        else:
            usable.append(data)
    return usable, skipped


def _heads(
    rows: DimensionPairs,
    usable: Sequence[DimensionData],
    options: DimensionOptions,
    embed: Embed,
    log: Callable[[str], None],
) -> dict[str, StoredHead | str]:
    """The head of each dimension, or the sentence why it has none."""
    answers, names = rows.answers, feature_names(options.cosine)
    log(f"features of {len(answers):,} answers for {len(usable)} dimensions")
    texts = [answer.prompt for answer in answers], [answer.text for answer in answers]
    table = feature_table(*texts, [answer.context for answer in answers], refuses, embed if options.cosine else None)
    heads = dict[str, StoredHead | str]()
    for data in usable:
        name = data.dimension
        try:
            fitted = fit_dimension(Fit(answers, table, names, name in options.length_matters), data)
        except ValueError as error:
            heads[name] = str(error)
            continue
        heads[name] = store_head(fitted, names, name in options.force)
        log(f"{name}: {fitted.report.train_pairs} training pairs, {fitted.report.decisive.gain:+.3f} over length")
    return heads


def refuses(answers: Sequence[str]) -> list[bool]:
    """Whether each answer opens by refusing."""
    return [bool(flag) for flag in refusals(pa.array(list(answers), pa.string())).to_pylist()]
