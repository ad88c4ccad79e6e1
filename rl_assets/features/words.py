"""The normalised words of texts, and their hashes, by which prompts are compared."""

import re
import unicodedata
import zlib
from collections.abc import Iterable

import pyarrow as pa

from rl_assets.core.identity import key_text

# Characters of scripts without spaces are words of their own.
WORD = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|\w+")
DIGITS = re.compile(r"\d+")
# Marks, joiners and variation selectors, which change how a symbol looks, and whitespace.
INVISIBLE = ("M", "C", "Z")


def words(text: str) -> list[str]:
    """Words of the normalised text (NFKC, casefold) in order."""
    return WORD.findall(key_text(text))


def word_hashes(texts: Iterable[str], *, ignore_digits: bool = False) -> list[int]:
    """Sorted 32-bit hashes (CRC) of the distinct words of the texts, the same on every machine; never none.

    Texts without letters and digits are compared by their characters. With `ignore_digits`, all numbers are one.
    """
    keys = [key_text(text) for text in texts]
    if ignore_digits:
        keys = [DIGITS.sub("0", key) for key in keys]
    distinct = {word for key in keys for word in WORD.findall(key)} or _symbols(keys)
    return sorted({*map(zlib.crc32, map(str.encode, distinct))})


def _symbols(keys: Iterable[str]) -> set[str]:
    return {sign for key in keys for sign in key if unicodedata.category(sign)[0] not in INVISIBLE} or {""}


def signed(hashes: Iterable[Iterable[int]]) -> pa.Array:
    """Lists of 32-bit hashes as Delta can store them: it has no unsigned integers."""
    return pa.array([[value - 2**31 for value in row] for row in hashes], pa.list_(pa.int32()))
