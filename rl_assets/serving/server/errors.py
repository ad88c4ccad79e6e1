"""What the server refuses, in OpenAI's form of an error: status, message, type, field and code."""

from dataclasses import dataclass
from typing import Any

INVALID = "invalid_request_error"


@dataclass
class RefusedError(Exception):
    """A request that is not answered: the HTTP status, and a message that says what was found and what to do."""

    status: int
    message: str
    kind: str = INVALID
    param: str | None = None
    code: str | None = None

    def __str__(self) -> str:
        return self.message

    def body(self) -> dict[str, Any]:
        """The body of the response, as the `openai` client reads it."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


def unknown_model(name: str) -> RefusedError:
    """404 for a name that is not served."""
    message = f"The model `{name[:200]}` does not exist: see GET /v1/models for what is served, or load the adapter."
    return RefusedError(404, message, param="model", code="model_not_found")


def too_long(prompt: int, new: int, context: int) -> RefusedError:
    """400 for more tokens than the model's context."""
    message = (
        f"This model's maximum context length is {context} tokens. However, you requested {prompt + new} tokens "
        f"({prompt} in the messages, {new} in the completion): shorten the messages or lower max_tokens."
    )
    return RefusedError(400, message, param="messages", code="context_length_exceeded")


def busy(waiting: int) -> RefusedError:
    """429 for a full queue."""
    return RefusedError(429, f"{waiting} answers wait already: try again later.", "rate_limit_error", code="busy")
