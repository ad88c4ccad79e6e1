"""Write a split of a published dataset in a form of another tool. Every row is written, or dropped for a reason."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import yaml
from pyarrow import parquet

from rl_assets.core.files import write_atomically, write_json
from rl_assets.datasets.exports.date_columns import DateColumns
from rl_assets.datasets.exports.forms import FORMS, Form, forms_of
from rl_assets.datasets.exports.rows import CannotExportError, Row
from rl_assets.tables.dataset_manifest import DatasetManifest, read_manifest

DATASET_INFO = "dataset_info.json"


@dataclass(frozen=True)
class Exported:
    """Rows written, rows dropped by reason (both make up the split), and the files for the tool alongside."""

    written: int
    dropped: dict[str, int]
    alongside: list[Path]


def export(folder: Path, form: str, split: str, out: Path) -> Exported:
    """Write one split of a published dataset. Raises ValueError if the folder holds none that the form is for, if the
    file of the split has other rows than were published, or if tools would read texts of the file as times."""
    manifest = read_manifest(folder)
    if manifest is None or manifest.name not in FORMS[form].convert:
        raise ValueError(_misfit(folder, form, manifest.name if manifest else None))
    chosen = FORMS[form]
    written, dropped = _write(folder / f"{split}.parquet", manifest.name, chosen, out)
    published = manifest.rows[split]
    if written + sum(dropped.values()) != published:
        out.unlink()
        raise ValueError(f"{folder}/{split}.parquet does not hold the {published} rows that its manifest names")
    return Exported(written, dropped, list(_alongside(chosen, manifest, out)))


def _misfit(folder: Path, form: str, dataset: str | None) -> str:
    needed = " or ".join(FORMS[form].convert)
    content = dataset or "no published dataset"
    forms = f"; {dataset} can be exported as {', '.join(forms_of(dataset))}" if dataset else ""
    return f"{folder} holds {content}; the form {form} needs {needed}, a folder like datasets/<name>/<day>{forms}"


def _write(source: Path, dataset: str, form: Form, out: Path) -> tuple[int, dict[str, int]]:
    """(rows written, rows dropped by reason); the file is replaced once all are."""
    written, dropped, dates = 0, Counter[str](), DateColumns()
    convert = form.convert[dataset]
    start, between, end = ("[\n", ",\n", "\n]\n") if form.layout == "array" else ("", "\n", "\n")
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.{uuid4().hex}")
    try:
        with part.open("w", encoding="utf-8") as file:
            for row in _rows(source):
                try:
                    converted = convert(row)
                    text = json.dumps(converted, ensure_ascii=False, allow_nan=False)
                except CannotExportError as reason:
                    dropped[str(reason)] += 1
                    continue
                file.write(f"{between if written else start}{text}")
                written += 1
                dates.add(converted)
            file.write(end if written else (start + end).lstrip("\n"))
        if form.guessed and dates.names():
            raise ValueError(_no_texts(source, dates.names()))
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return written, dict(sorted(dropped.items()))


def _no_texts(source: Path, columns: list[str]) -> str:
    return (
        f"every text of {', '.join(columns)} is a date or a time, and tools that load JSON with the library datasets "
        f"would find no texts there; train from {source}, which keeps them, or export answers that say more than a date"
    )


def _rows(path: Path) -> Iterator[Row]:
    for batch in parquet.ParquetFile(path).iter_batches(1_000):
        yield from batch.to_pylist()


def _alongside(form: Form, manifest: DatasetManifest, out: Path) -> Iterator[Path]:
    """Write the files that tell a tool what the file holds."""
    dataset = manifest.name
    if form.llamafactory:
        yield _add_to_dataset_info(out, form.llamafactory(dataset))
    if dataset in form.axolotl:
        training, described = form.axolotl[dataset]
        path = out.with_name(f"{out.stem}.axolotl.yaml")
        if training.get("rl") == "kto":
            training = {**training, **_weights(manifest)}
        source = {"path": str(out), "ds_type": "json", "split": "train"}
        write_atomically(path, yaml.safe_dump({**training, "datasets": [{**source, **described}]}, sort_keys=False))
        yield path
    if form.settings:
        path = out.with_name(f"{out.stem}.settings.json")
        write_json(path, form.settings(dataset))
        yield path


def _weights(manifest: DatasetManifest) -> Row:
    """The weights at which good and bad answers count alike, in axolotl's words."""
    known = {name: manifest.metrics.get(name) for name in ("desirable_weight", "undesirable_weight")}
    return {f"kto_{name}": weight for name, weight in known.items() if weight is not None}


def _add_to_dataset_info(out: Path, entry: Row) -> Path:
    """Add the file to LLaMA-Factory's list of the folder; other entries stay."""
    path = out.with_name(DATASET_INFO)
    try:
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        write_json(path, {**known, out.stem: {"file_name": out.name, **entry}})
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is not a list of datasets, so that {out.name} is not in it: {error}") from error
    return path
