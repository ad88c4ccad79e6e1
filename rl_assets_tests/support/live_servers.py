"""The embedded model server on a port of this process, as it is and with planted faults."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.serving.server.options import Options

# A chat template that writes one more word in front of each conversation.
OTHER_TEMPLATE = "{{- 'colour' }}"
START_S = 60


@contextmanager
def live_server(base: BaseModel, adapters: Path, fault: Any = None, **options: Any) -> Iterator[str]:
    """The address of a server of the base; `fault` changes the model that it serves, in place, before it does."""
    import uvicorn

    from rl_assets.serving.server.app import make_app
    from rl_assets.serving.server.served_model import ServedModel

    chosen = Options(adapters_root=adapters, **options)
    model = ServedModel(base, chosen.dtype, print)
    if fault is not None:
        fault(model)
    server = uvicorn.Server(uvicorn.Config(make_app(model, chosen), port=0, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + START_S
    while not server.started:
        assert thread.is_alive() and time.monotonic() < until, "the model server did not start"
        time.sleep(0.01)
    (listening,) = [socket for one in server.servers for socket in one.sockets]
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def not_applied(model: Any) -> None:
    """Every answer is the base's."""
    from rl_assets.serving.server.served_adapters import WITHOUT_ADAPTER

    forward = model.forward
    model.forward = lambda ids, mask, positions, cache, slots: forward(
        ids, mask, positions, cache, [WITHOUT_ADAPTER] * len(slots)
    )


def scaled(factor: float) -> Any:
    """Adapters work with so many times their scale."""

    def fault(model: Any) -> None:
        from peft.tuners.lora import LoraLayer

        add = model._add

        def scaling(slot: str, adapter: Adapter) -> None:
            add(slot, adapter)
            for module in model._base.modules():
                if isinstance(module, LoraLayer) and slot in module.scaling:
                    module.scaling[slot] *= factor

        model._add = scaling

    return fault


def loads_instead(other: Adapter) -> Any:
    """Whatever is to be loaded, these weights are."""

    def fault(model: Any) -> None:
        add = model._add
        model._add = lambda slot, _adapter: add(slot, other)

    return fault


def other_template(model: Any) -> None:
    """Adapters' prompts are rendered by another chat template, of which the server says nothing."""
    load = model.load

    def loading(name: str, adapter: Adapter) -> Any:
        from copy import deepcopy

        served = load(name, adapter)
        tokenizer = deepcopy(served.tokenizer)
        tokenizer.chat_template = OTHER_TEMPLATE + tokenizer.chat_template
        return replace(served, tokenizer=tokenizer)

    model.load = loading


def other_base(model: Any) -> None:
    """The server's base has another hash."""
    model.description = replace(model.description, sha256="e" * 64)


# By name: how the fault is planted, given another adapter; options of the server; what the refusal says.
FAULTS: dict[str, tuple[Callable[[Adapter], Any], dict[str, Any], str]] = {
    "not applied": (lambda _: not_applied, {}, "The adapter is not applied: the server answers as the base alone"),
    "applied twice": (lambda _: scaled(2.0), {}, "The adapter is applied twice"),
    "half alpha": (lambda _: scaled(0.5), {}, "The adapter is applied at half its scale"),
    "other weights": (loads_instead, {}, "The served answers are those of other weights"),
    "other template": (lambda _: other_template, {}, "The server renders another chat template than training did"),
    "rank above the limit": (lambda _: None, {"max_lora_rank": 2}, "It has rank 4, and the server accepts at most 2"),
    "base of another hash": (lambda _: other_base, {}, "and the server's base model .* has eeeeeeeeeeee"),
}
