"""Identities: prompt keys and keyed hashes, which DuckDB cannot compute, and hashes that Python computes faster."""

import hmac
import os
import re
import secrets
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from itertools import pairwise, repeat
from tempfile import NamedTemporaryFile

import numpy as np
import pyarrow as pa

from rl_assets.core.blank import stripped
from rl_assets.core.home import Home

# What ends a sentence or closes a quotation. Signs that carry meaning stay: C, C++ and C# are three questions.
PUNCTUATION = ".,:;!?'\")]}…。！？、，；：»”’"

MONTHS = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
# What a product writes into its system turn anew for every call: times, dates, ids of the call. In order.
VOLATILE = (
    r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?:\s?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)\b)?",
    r"\b\d{1,4}[./]\d{1,2}[./]\d{2,4}\b",
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?\.?\s(?:of\s)?{MONTHS},?\s\d{{4}}\b",
    rf"\b{MONTHS}\s\d{{1,2}}(?:st|nd|rd|th)?,?\s\d{{4}}\b",
    r"\b\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s?[ap]\.?m\b\.?)?(?:\s?(?:Z|UTC|GMT|CES?T|[EPM][SD]T|[BIJ]ST|[+-]\d\d:?\d\d)\b)?",
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b",
    r"\b1\d{9}(?:\d{3})?\b",
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
)


@dataclass(frozen=True)
class PromptRules:
    """How prompts are compared: what of a system turn their keys leave out, as patterns, and whether near duplicates
    may differ in numbers.
    """

    volatile: tuple[str, ...] = VOLATILE
    ignore_digits: bool = False


DEFAULT_RULES = PromptRules()


@cache
def _volatile_parts(patterns: tuple[str, ...]) -> list[re.Pattern[str]]:
    return [re.compile(pattern, re.IGNORECASE) for pattern in patterns]


@lru_cache(maxsize=1024)
def without_volatile(text: str, patterns: tuple[str, ...]) -> str:
    """The text with a mark in place of what the patterns match."""
    for pattern in _volatile_parts(patterns):
        text = pattern.sub("\x1a", text)
    return text


@lru_cache(maxsize=1024)  # System turns come back on every line, questions on several.
def key_text(text: str) -> str:
    """The text for comparing prompts: NFKC, casefold, whitespace collapsed, trailing punctuation stripped."""
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split()).rstrip(PUNCTUATION + " ")


def prompt_key(
    roles: Iterable[str],
    contents: Iterable[str],
    task: str | None,
    context: str | None,
    volatile: tuple[str, ...] = VOLATILE,
) -> str:
    """Hex sha256 of the task, the normalised conversation and the context: one question under one condition.

    What the patterns `volatile` match in system turns does not count: a date there makes no other question.
    """
    turns = [_turn(role, content, volatile) for role, content in zip(roles, contents, strict=True)]
    return _key(turns, task, context)


def _turn(role: str, content: str, volatile: tuple[str, ...]) -> str:
    if role == "system":
        content = without_volatile(content, volatile)
    return f"{role}\x1f{key_text(content)}"


def _key(turns: list[str], task: str | None, context: str | None) -> str:
    return sha256("\x1e".join([task or "", *turns, context or ""]).encode("utf-8")).hexdigest()


def with_prompt_keys(batch: pa.RecordBatch, volatile: tuple[str, ...] = VOLATILE) -> pa.RecordBatch:
    """The batch (prompt, task, context, ...) with its `prompt_key` column appended."""
    turns = batch.column("prompt").flatten()
    texts = [*map(_turn, turns.field("role").to_pylist(), turns.field("content").to_pylist(), repeat(volatile))]
    ends = np.cumsum(batch.column("prompt").value_lengths().fill_null(0).to_numpy()).tolist()
    conditions = zip(batch.column("task").to_pylist(), batch.column("context").to_pylist(), strict=True)
    keys = [
        _key(texts[start:end], *condition) for start, end, condition in zip([0, *ends], ends, conditions, strict=False)
    ]
    return batch.append_column("prompt_key", pa.array(keys, pa.string()))


def with_content_hash(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with `content_sha256`, the hex sha256 of `content` and `answer_key`, in place of `content`."""
    keys = batch.column("answer_key").to_pylist()
    parts = zip(_texts(batch.column("content")), keys, strict=True)
    hashes = [sha256(b"".join((text or b"", (key or "").encode("ascii")))).hexdigest() for text, key in parts]
    rest = batch.drop_columns(["content"])
    return rest.append_column("content_sha256", pa.array(hashes, pa.string()))


def with_answer_key(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with `answer_key`, the hex sha256 of `answer` without outer blank characters; null stays null.

    The same as the macro `answer_key` in sql/macros/text.sql, at a third of the time.
    """
    keys = [None if text is None else sha256(_stripped(text)).hexdigest() for text in _texts(batch.column("answer"))]
    return batch.append_column("answer_key", pa.array(keys, pa.string()))


def _stripped(text: memoryview) -> memoryview | bytes:
    # Most texts begin and end with a letter or sign: they are hashed in place.
    if len(text) and 32 < text[0] < 127 and 32 < text[-1] < 127:
        return text
    return stripped(bytes(text).decode("utf-8")).encode("utf-8")


def _texts(column: pa.Array) -> Iterator[memoryview | None]:
    """The UTF-8 bytes of each text, in place."""
    column = column.cast(pa.large_string())
    _, offsets, data = column.buffers()
    bounds = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1].tolist()
    view = memoryview(data or b"")
    for (start, end), known in zip(pairwise(bounds), column.is_valid().to_pylist(), strict=True):
        yield view[start:end] if known else None


def with_hashed(batch: pa.RecordBatch, column: str, key: bytes) -> pa.RecordBatch:
    """The batch with the ids in `column` replaced by their HMAC-SHA256 in hex; null stays null."""
    ids = batch.column(column).dictionary_encode()
    hashed = pa.array(
        [hmac.digest(key, value.encode("utf-8"), "sha256").hex() for value in ids.dictionary.to_pylist()], pa.string()
    )
    return batch.set_column(batch.schema.get_field_index(column), column, hashed.take(ids.indices))


def user_hash_key(secret: str | None, home: Home) -> bytes:
    """The secret from the settings, else a random one, made once and kept in the home, readable by its owner only."""
    if secret:
        return secret.encode("utf-8")
    path = home.user_hash_key
    if not path.exists():
        home.folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", encoding="utf-8", dir=home.folder) as file, suppress(FileExistsError):
            file.write(secrets.token_hex(32))
            file.flush()
            os.link(file.name, path)  # Atomic, so that two processes starting together agree on one key.
    return path.read_bytes()
