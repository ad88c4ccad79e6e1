"""`POST /v1/chat/completions` and `POST /tokenize`."""

from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from rl_assets.serving.server.chat_request import ChatRequest, TokenizeRequest, parse
from rl_assets.serving.server.http import EventStream, json_body, unless_gone
from rl_assets.serving.server.replies import Choice, Reply
from rl_assets.serving.server.service import Generation, Service


async def chat_completions(request: Request) -> Response:
    """One request's answers, at once or as they come."""
    service: Service = request.app.state.service
    asked: ChatRequest = parse(ChatRequest, await json_body(request, service.options.max_body_bytes))
    adapter = service.named(asked.model)
    prompt = await service.render(adapter, asked.prompt)
    reply = Reply(adapter.name, adapter.tokenizer, prompt, bool(asked.return_token_ids))
    generation = service.generate(asked, adapter, prompt)
    if asked.stream:
        usage = asked.stream_options is not None and asked.stream_options.include_usage
        return EventStream(_chunks(reply, generation, usage), generation.abandon)
    try:
        return JSONResponse(reply.whole(await unless_gone(request, _choices(generation))))
    finally:
        generation.abandon()


async def tokenize(request: Request) -> Response:
    """The token ids of a conversation, in vLLM's form."""
    service: Service = request.app.state.service
    asked: TokenizeRequest = parse(TokenizeRequest, await json_body(request, service.options.max_body_bytes))
    tokens = await service.render(service.named(asked.model), [message.plain for message in asked.messages])
    return JSONResponse({"tokens": tokens, "count": len(tokens), "max_model_len": service.model.context})


async def _choices(generation: Generation) -> list[Choice]:
    choices = [Choice() for _ in generation.answers]
    async for index, piece in generation.pieces():
        choices[index].add(piece)
    return choices


async def _chunks(reply: Reply, generation: Generation, with_usage: bool) -> AsyncIterator[dict[str, Any]]:
    """Chunks of all answers, and of the usage if it is asked for: then others have an empty one, as with OpenAI."""
    empty: dict[str, Any] = {"usage": None} if with_usage else {}
    tokens = 0
    for index in range(len(generation.answers)):
        yield reply.first_chunk(index) | empty
    async for index, piece in generation.pieces():
        tokens += 1
        if piece.text or piece.finish or piece.score or reply.with_token_ids:
            yield reply.chunk(index, piece) | empty
    if with_usage:
        yield reply.usage_chunk(tokens)
