"""A chat completion as it is requested: the fields that are honoured, in OpenAI's names. Others are ignored."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from rl_assets.core.chat import Message
from rl_assets.core.validation import problems
from rl_assets.serving.server.errors import RefusedError

MAX_CHOICES = 16
MAX_STOPS = 16
MAX_TOP_LOGPROBS = 20


class _Fields(BaseModel):
    """Fields that clients send; what this server does not know is ignored, as other servers' extensions are."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class TextPart(_Fields):
    """A part of a message's content; only texts are understood."""

    type: Literal["text"]
    text: str


class ChatMessage(_Fields):
    """One message; content in parts is the parts' texts joined."""

    role: str = Field(min_length=1, max_length=64)
    content: str | list[TextPart] | None = None

    @property
    def plain(self) -> Message:
        """As chat templates take it."""
        content = self.content or ""
        text = content if isinstance(content, str) else "".join(part.text for part in content)
        return {"role": self.role, "content": text}


class StreamOptions(_Fields):
    """`include_usage` adds a last chunk with the numbers of tokens."""

    include_usage: bool = False


class ChatRequest(_Fields):
    """One request. `temperature` is 1 unless given, as with OpenAI; 0 is greedy.

    `return_token_ids` (vLLM's extension) adds the ids of prompt and answer.
    """

    model: str = Field(min_length=1)
    messages: list[ChatMessage] = Field(min_length=1)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    n: int | None = Field(None, ge=1, le=MAX_CHOICES)
    stop: str | list[str] | None = None
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=MAX_TOP_LOGPROBS)
    return_token_ids: bool | None = None

    @field_validator("stop", mode="after")
    @classmethod
    def _stops(cls, stop: str | list[str] | None) -> str | list[str] | None:
        stops = [stop] if isinstance(stop, str) else stop or []
        if "" in stops or len(stops) > MAX_STOPS:
            raise ValueError(f"give at most {MAX_STOPS} texts, none of them empty")
        return stop

    @model_validator(mode="after")
    def _consistent(self) -> "ChatRequest":
        if self.top_logprobs and not self.logprobs:
            raise ValueError("top_logprobs needs logprobs: true")
        return self

    @property
    def prompt(self) -> list[Message]:
        """The conversation."""
        return [message.plain for message in self.messages]

    @property
    def stops(self) -> tuple[str, ...]:
        """Texts before which an answer ends."""
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    @property
    def choices(self) -> int:
        """Answers to generate."""
        return self.n or 1

    @property
    def token_limit(self) -> int | None:
        """The newer name of the two counts."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def shown_alternatives(self) -> int | None:
        """Alternatives to show for each token beside its own log-probability; None if no log-probability is asked."""
        return (self.top_logprobs or 0) if self.logprobs else None


class TokenizeRequest(_Fields):
    """vLLM's `/tokenize` of a conversation."""

    model: str = Field(min_length=1)
    messages: list[ChatMessage] = Field(min_length=1)


def parse(kind: Any, body: bytes) -> Any:
    """The body as a request of that kind; RefusedError (400) names every field that is wrong."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]["loc"]
        raise RefusedError(
            400, f"The request is not valid: {problems(error, 'the body')}.", param=str(first[0]) if first else None
        ) from error
