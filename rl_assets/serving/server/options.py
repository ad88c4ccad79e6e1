"""What the one who starts the server chooses: model, precision, adapters, limits of work at a time."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Dtype = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class Options:
    """`max_lora_rank` and `max_loras` bound the adapters in memory, which lie below `adapters_root`.

    At most `max_batch` answers are generated at a time, and `max_batch_tokens` bounds their prompts and new tokens
    together; of others, `max_waiting` wait. `dtype` is that of the base, by default the one of the evaluation.
    """

    adapters_root: Path
    dtype: Dtype | None = None
    max_lora_rank: int = 64
    max_loras: int = 8
    max_batch: int = 32
    max_batch_tokens: int = 65_536
    max_waiting: int = 1000
    max_body_bytes: int = 4 * 1024 * 1024
    admin_token: str | None = None
