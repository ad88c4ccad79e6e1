import errno
from pathlib import Path

import pytest
from safetensors import SafetensorError

from rl_assets.training.errors import DiskFullError
from rl_assets.training.runner.disk import explain_full_disk


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 56896 vs 56788"),
    ],
)
def test_what_libraries_say_of_a_full_disk_becomes_words_with_the_room_left(error: Exception, tmp_path: Path):
    with (
        pytest.raises(DiskFullError, match=r"could not be written to .* MB free: make room"),
        explain_full_disk(tmp_path),
    ):
        raise error


@pytest.mark.parametrize("error", [RuntimeError("CUDA out of memory"), FileNotFoundError(errno.ENOENT, "no file")])
def test_other_errors_pass(error: Exception, tmp_path: Path):
    with pytest.raises(type(error)) as raised, explain_full_disk(tmp_path):
        raise error
    assert raised.value is error
