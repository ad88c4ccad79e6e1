"""The image index: the embedding and the text of every kept pair, in a folder named by their content.

Query it with python -m rl_assets.documentation.search "query".
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rl_assets.core.files import replaced_folder, sha256_json, sha256_text, write_json
from rl_assets.documentation.confidence import WORD
from rl_assets.models.embedding import MODEL, WEIGHTS_SHA256, Vectors, embed

DOCUMENT_COLUMNS = (
    "pair_id",
    "source",
    "page",
    "path",
    "sha256",
    "image_type",
    "alt",
    "caption",
    "headings",
    "context",
    "title",
)
# Raised when equal pairs would give another index.
INDEX_VERSION = 1


@dataclass(frozen=True)
class ImageIndex:
    """Documents (n rows of DOCUMENT_COLUMNS) with their texts and unit vectors (n, 384).

    `embedded` counts the texts that were embedded for it.
    """

    folder: Path
    sha256: str
    documents: list[dict[str, Any]]
    texts: list[str]
    vectors: Vectors
    embedded: int


def document_text(pair: dict[str, Any]) -> str:
    """The searchable text of a pair: alt, caption, title, file name, headings and context."""
    name = " ".join(WORD.findall(PurePosixPath(pair["path"]).stem))
    parts = [pair["alt"], pair["caption"], pair["title"], name, " > ".join(pair["headings"]), pair["context"]]
    return ". ".join(part for part in parts if part)


def build_index(
    pairs: Sequence[dict[str, Any]], root: Path, embedder: Callable[[Sequence[str]], Vectors] = embed
) -> ImageIndex:
    """The index of these pairs; only texts that the previous index lacks are embedded, and an equal one is kept."""
    documents = [{name: pair[name] for name in DOCUMENT_COLUMNS} for pair in pairs]
    digest = sha256_json([INDEX_VERSION, MODEL, WEIGHTS_SHA256, documents])
    previous = read_index(root)
    if previous is not None and previous.sha256 == digest:
        return previous
    texts = [document_text(document) for document in documents]
    vectors, embedded = _vectors(texts, previous, embedder)
    folder = root / digest[:20]
    with replaced_folder(folder) as staging:
        pq.write_table(pa.table({"json": [json.dumps(document) for document in documents]}), staging / "pairs.parquet")
        np.save(staging / "vectors.npy", vectors)
        write_json(staging / "manifest.json", {"sha256": digest, "pairs": len(documents), "model": MODEL})
    write_json(root / "current.json", {"folder": folder.name})
    return ImageIndex(folder, digest, documents, texts, vectors, embedded)


def read_index(root: Path) -> ImageIndex | None:
    """The index in use, or None before the first."""
    pointer = root / "current.json"
    if not pointer.is_file():
        return None
    folder = root / json.loads(pointer.read_text(encoding="utf-8"))["folder"]
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    documents = [json.loads(row) for row in pq.read_table(folder / "pairs.parquet")["json"].to_pylist()]
    vectors = np.load(folder / "vectors.npy", allow_pickle=False)
    return ImageIndex(folder, manifest["sha256"], documents, [document_text(row) for row in documents], vectors, 0)


def _vectors(
    texts: list[str], previous: ImageIndex | None, embedder: Callable[[Sequence[str]], Vectors]
) -> tuple[Vectors, int]:
    known = dict(zip(map(sha256_text, previous.texts), previous.vectors, strict=True)) if previous else {}
    new = sorted({text for text in texts if sha256_text(text) not in known})
    known |= dict(zip(map(sha256_text, new), embedder(new), strict=True))
    vectors = [known[sha256_text(text)] for text in texts]
    return (np.stack(vectors) if vectors else embedder([])), len(new)
