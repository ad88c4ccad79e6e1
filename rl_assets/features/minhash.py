"""The normalised words of a text, their hashes, and MinHash bands to find texts that share most of them."""

import re
import struct
import zlib
from collections.abc import Iterable, Sequence

import pyarrow as pa

from rl_assets.core.identity import key_text

# Characters of scripts without spaces are words of their own.
WORD = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|\w+")

# Two sets with a Jaccard similarity of 0.9 share one of BANDS bands of ROWS equal hashes in all but 8 of a million
# cases: (1 - 0.9 ** 7) ** 18.
BANDS, ROWS = 18, 7
BAND = struct.Struct(f"<{ROWS}I")
SEED = 1
ALGORITHM_VERSION = 2


class SignatureError(RuntimeError):
    """The signatures of the installed rensa differ from the stored ones."""


def words(text: str) -> list[str]:
    """Words of the normalised text (NFKC, casefold) in order."""
    return WORD.findall(key_text(text))


def word_hashes(texts: Iterable[str]) -> list[int]:
    """Sorted 32-bit hashes (CRC) of the distinct words of the texts, the same on every machine."""
    distinct = {word for text in texts for word in words(text)}
    return sorted({*map(zlib.crc32, map(str.encode, distinct))})


def bands(hashes: Sequence[Sequence[int]]) -> list[list[int]]:
    """MinHash bands of each set of word hashes, 32 bits each: near-duplicates share one. An empty set has none.

    Raises SignatureError if the signatures of the installed rensa cannot be compared with stored ones.
    """
    from rensa import RMinHash

    if RMinHash.ALGORITHM_VERSION != ALGORITHM_VERSION:
        raise SignatureError(
            f"rensa makes signatures of version {RMinHash.ALGORITHM_VERSION}, stored ones are of version "
            f"{ALGORITHM_VERSION}: install the version of rensa that requirements.lock names"
        )
    digests = RMinHash.digest_matrix_from_token_hash_sets(hashes, num_perm=BANDS * ROWS, seed=SEED).to_rows()
    return [
        [zlib.crc32(BAND.pack(*digest[ROWS * band : ROWS * (band + 1)]), band) for band in range(BANDS)]
        if words
        else []
        for digest, words in zip(digests, hashes, strict=True)
    ]


def signed(hashes: Iterable[Sequence[int]]) -> pa.Array:
    """Lists of 32-bit hashes as Delta can store them: it has no unsigned integers."""
    return pa.array([[value - 2**31 for value in row] for row in hashes], pa.list_(pa.int32()))
