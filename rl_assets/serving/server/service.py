"""What the routes do: adapters by name, prompts as token ids, answers by the worker. Used by the event loop alone."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from rl_assets.core.chat import Message
from rl_assets.models.encoding import prompt_ids
from rl_assets.serving.server.adapter_files import AdapterRules, checked_adapter
from rl_assets.serving.server.chat_request import ChatRequest
from rl_assets.serving.server.errors import RefusedError, too_long, unknown_model
from rl_assets.serving.server.options import Options
from rl_assets.serving.server.served_adapters import ServedAdapter
from rl_assets.serving.server.served_model import ServedModel
from rl_assets.serving.server.tokens import Answer, Piece, Sampling
from rl_assets.serving.server.worker import Worker


class AlreadyLoadedError(ValueError):
    """An adapter of that name is loaded."""


class NotLoadedError(ValueError):
    """No adapter of that name is loaded."""


class Service:
    """A model with its adapters and its worker."""

    def __init__(self, model: ServedModel, options: Options):
        self.model, self.options = model, options
        self.worker = Worker(model, options)
        self._served = {model.base.name: model.base}
        self._changing = asyncio.Lock()
        # One thread renders all prompts: tokenizers are not made for several.
        self._renderer = ThreadPoolExecutor(1, "rendering")

    @property
    def served(self) -> list[ServedAdapter]:
        """The base, and the adapters in the order in which they were loaded."""
        return list(self._served.values())

    def named(self, name: str) -> ServedAdapter:
        """What that name stands for; RefusedError (404) if nothing."""
        if name not in self._served:
            raise unknown_model(name)
        return self._served[name]

    async def load(self, name: str, path: str) -> None:
        """Load an adapter under a name. AlreadyLoadedError; AdapterRefusedError for one that is not served."""
        async with self._changing:
            if name in self._served:
                raise AlreadyLoadedError(name)
            if len(self._served) > self.options.max_loras:
                raise RefusedError(
                    400,
                    f"{self.options.max_loras} adapters are loaded, as many as this server holds: unload one of "
                    f"{', '.join(list(self._served)[1:])}, or start it with a larger --max-loras.",
                )
            rules = AdapterRules(self.options.adapters_root, self.model.description, self.options.max_lora_rank)
            adapter = await asyncio.to_thread(checked_adapter, path, rules)
            load = self.worker.between_tokens(lambda: self.model.load(name, adapter))
            self._served[name] = await asyncio.wrap_future(load)

    async def unload(self, name: str) -> None:
        """Forget an adapter; answers that it has begun are ended. NotLoadedError."""
        async with self._changing:
            if name not in self._served or self._served[name].is_base:
                raise NotLoadedError(name)
            self.worker.retire(self._served.pop(name))

    async def render(self, adapter: ServedAdapter, prompt: list[Message]) -> list[int]:
        """Token ids of a conversation up to where the answer begins, by the adapter's rules."""
        return await asyncio.get_running_loop().run_in_executor(self._renderer, _rendered, adapter.tokenizer, prompt)

    def generate(self, request: ChatRequest, adapter: ServedAdapter, ids: list[int]) -> "Generation":
        """Have the worker answer; RefusedError (400) if the answer would not fit the context."""
        context = self.model.context
        if len(ids) + (request.token_limit or 1) > context:
            raise too_long(len(ids), request.token_limit or 1, context)
        max_new = request.token_limit or context - len(ids)
        generation = Generation(asyncio.get_running_loop())
        # Drawn even if it is not needed, so that further choices of one request have seeds of their own.
        seed = secrets.randbits(62) if request.seed is None else request.seed
        for index in range(request.choices):
            generation.answers.append(
                Answer(
                    adapter=adapter,
                    prompt=ids,
                    max_new=max_new,
                    sampling=_sampling(request, seed + index),
                    stops=request.stops,
                    alternatives=request.shown_alternatives,
                    deliver=generation.deliver_for(index),
                )
            )
        self.worker.submit(generation.answers)
        return generation


class Generation:
    """The answers to one request, piece by piece, as the worker delivers them."""

    def __init__(self, loop: asyncio.AbstractEventLoop):
        self.answers: list[Answer] = []
        self._loop = loop
        self._pieces: asyncio.Queue[tuple[int, Piece | RefusedError]] = asyncio.Queue()

    def deliver_for(self, index: int) -> Callable[[Piece | RefusedError], None]:
        """What the worker's thread calls with each piece of an answer."""

        def deliver(piece: Piece | RefusedError) -> None:
            with suppress(RuntimeError):  # The loop is closed: the process ends, and nobody waits any more.
                self._loop.call_soon_threadsafe(self._pieces.put_nowait, (index, piece))

        return deliver

    async def pieces(self) -> AsyncIterator[tuple[int, Piece]]:
        """Pieces with the index of their answer, until all answers have ended. RefusedError if one fails."""
        ended = 0
        while ended < len(self.answers):
            index, piece = await self._pieces.get()
            if isinstance(piece, RefusedError):
                raise piece
            ended += piece.finish is not None
            yield index, piece

    def abandon(self) -> None:
        """Nobody waits for the answers any more: those that have not ended are dropped."""
        for answer in self.answers:
            answer.abandoned = True


def _sampling(request: ChatRequest, seed: int) -> Sampling:
    temperature = 1.0 if request.temperature is None else request.temperature
    return Sampling(temperature, 1.0 if request.top_p is None else request.top_p, seed)


def _rendered(tokenizer: Any, prompt: list[Message]) -> list[int]:
    from jinja2 import TemplateError

    try:
        return prompt_ids(tokenizer, prompt)
    except TemplateError as error:
        message = f"The chat template refuses these messages: {error}. Look at their roles and order."
        raise RefusedError(400, message, param="messages") from error
