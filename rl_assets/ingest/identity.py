"""Identities that DuckDB cannot compute: prompt keys (Unicode normalisation) and keyed hashes of user ids."""

import hmac
import os
import secrets
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile

import pyarrow as pa
import pyarrow.compute as pc

# What ends a sentence or closes a quotation. Signs that carry meaning stay: C, C++ and C# are three questions.
PUNCTUATION = ".,:;!?'\")]}…。！？、，；：»”’"
KEY_FILE = "user_hash.key"


def key_text(text: str) -> str:
    """Text as compared between prompts: NFKC, casefold, whitespace collapsed, trailing punctuation stripped."""
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split()).rstrip(PUNCTUATION + " ")


def prompt_key(roles: Iterable[str], contents: Iterable[str], task: str | None, context: str | None) -> str:
    """Hex sha256 of the task, the normalised conversation and the context: one question asked under one condition."""
    turns = [f"{role}\x1f{key_text(content)}" for role, content in zip(roles, contents, strict=True)]
    return sha256("\x1e".join([task or "", *turns, context or ""]).encode("utf-8")).hexdigest()


def with_prompt_keys(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch (prompt, task, context, ...) with its `prompt_key` column appended."""
    turns = batch.column("prompt").flatten()
    roles, contents = (iter(turns.field(name).to_pylist()) for name in ("role", "content"))
    lengths = pc.list_value_length(batch.column("prompt")).to_pylist()
    conditions = zip(batch.column("task").to_pylist(), batch.column("context").to_pylist(), strict=True)
    keys = [
        prompt_key(islice(roles, length), islice(contents, length), *condition)
        for length, condition in zip(lengths, conditions, strict=True)
    ]
    return batch.append_column("prompt_key", pa.array(keys, pa.string()))


def with_hashed(batch: pa.RecordBatch, column: str, key: bytes) -> pa.RecordBatch:
    """The batch with the ids in `column` replaced by their HMAC-SHA256 in hex; null stays null."""
    hashed = [
        None if value is None else hmac.digest(key, value.encode("utf-8"), "sha256").hex()
        for value in batch.column(column).to_pylist()
    ]
    return batch.set_column(batch.schema.get_field_index(column), column, pa.array(hashed, pa.string()))


def user_hash_key(secret: str | None, home: Path) -> bytes:
    """The secret from the settings, else a random one, made once and kept in `home`, readable by its owner only."""
    if secret:
        return secret.encode("utf-8")
    path = home / KEY_FILE
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", encoding="utf-8", dir=home) as file, suppress(FileExistsError):
            file.write(secrets.token_hex(32))
            file.flush()
            os.link(file.name, path)  # Atomic, so that two processes starting together agree on one key.
    return path.read_bytes()
