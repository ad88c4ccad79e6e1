"""Batches by memory, with a device that holds so many tokens at a time."""

from types import SimpleNamespace
from typing import Any

import pytest

from rl_assets.models.memory import (
    DeviceMemoryError,
    explain_out_of_memory,
    row_bytes,
    rows_within_memory,
    run_in_batches,
)

pytestmark = pytest.mark.training


class Device:
    """A device that runs out of memory with more than `tokens` tokens in a batch, and notes the batches that fit."""

    def __init__(self, lengths: list[int], tokens: int):
        self.lengths, self.tokens = lengths, tokens
        self.batches: list[list[int]] = []

    def run(self, rows: list[int], done: int) -> list[str]:
        import torch

        assert done == sum(map(len, self.batches))
        if len(rows) * max(self.lengths[row] for row in rows) > self.tokens:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nSee the documentation.")
        self.batches.append(rows)
        return [f"row {row}" for row in rows]


def test_batches_are_halved_when_memory_runs_out_and_no_row_is_lost():
    device, lines = Device([50, 10, 40, 30, 20], 100), list[str]()
    found = run_in_batches(device.lengths, lambda length: 64, device.run, lines.append)
    assert found == [f"row {row}" for row in range(5)]
    assert device.batches == [[0, 2], [3, 4], [1]]
    assert lines == ["memory ran out with 5 rows of up to 50 tokens: going on with 2 at a time"]


def test_a_row_that_does_not_fit_alone_is_told_with_what_to_do():
    device = Device([500, 10], 100)
    with pytest.raises(DeviceMemoryError) as told:
        run_in_batches(device.lengths, lambda length: 64, device.run, lambda _: None)
    assert "A single row of 500 tokens does not fit the memory (CUDA out of memory. Tried to" in str(told.value)
    assert "nf4" in str(told.value) and "\n" not in str(told.value)


def test_other_errors_pass_as_they_are():
    def fail(rows: list[int], done: int) -> list[str]:
        raise RuntimeError("expected scalar type Float")

    with pytest.raises(RuntimeError, match="expected scalar type"):
        run_in_batches([1, 2], lambda length: 2, fail, lambda _: None)
    with pytest.raises(RuntimeError, match="expected scalar type"), explain_out_of_memory("The base model tiny"):
        fail([], 0)


def test_what_does_not_fit_is_named_once():
    import torch

    outer, inner = explain_out_of_memory("The evaluation of a base"), explain_out_of_memory("The base model a base")
    with pytest.raises(DeviceMemoryError) as told, outer, inner:
        raise torch.OutOfMemoryError("CUDA out of memory.")
    assert str(told.value).startswith("The base model a base does not fit the memory (CUDA out of memory).")


def model(**shape: Any) -> Any:
    """The shape of a model of 7 billion weights in 16 bits, on a CPU, but for the changes."""
    import torch

    config = SimpleNamespace(
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=8,
        hidden_size=4096,
        intermediate_size=14336,
        vocab_size=128_256,
    )
    vars(config).update(shape)
    config.get_text_config = lambda: config
    return SimpleNamespace(config=config, dtype=torch.bfloat16, device=torch.device("cpu"))


def test_a_row_takes_more_with_its_tokens_layers_and_heads():
    seven_billion = row_bytes(model(), 2048, 1)
    # Keys and values of 2,048 tokens are 268 MB.
    assert 268e6 < seven_billion < 700e6
    assert row_bytes(model(), 4096, 1) > 2 * seven_billion
    assert row_bytes(model(num_hidden_layers=64), 2048, 1) > seven_billion + 268e6
    assert row_bytes(model(num_key_value_heads=32), 2048, 1) > seven_billion + 3 * 268e6
    assert row_bytes(model(), 2048, 2048) > seven_billion + 2047 * 128_256 * 4


def test_a_batch_is_smaller_where_less_is_free_and_never_empty(monkeypatch: pytest.MonkeyPatch):
    fitting = {}
    for free in (10**12, 10**10, 10**6):
        monkeypatch.setattr("rl_assets.models.memory.free_host_bytes", lambda free=free: free)
        fitting[free] = rows_within_memory(model(), 512, 1, 64)
    assert fitting == {10**12: 16, 10**10: 16, 10**6: 1}
    monkeypatch.setattr("rl_assets.models.memory.free_host_bytes", lambda: 10**10)
    assert rows_within_memory(model(num_hidden_layers=320), 512, 1, 64) < 16
    assert rows_within_memory(model(), 8192, 8192, 64) == 1
