"""Errors in the form of OpenAI's API, which every client of it reads."""

import json

from starlette.responses import Response


class CallError(Exception):
    """A call that gets no answer: status, a sentence, OpenAI's type, and the parameter at fault."""

    def __init__(
        self, status: int, message: str, kind: str = "invalid_request_error", param: str | None = None, code: str = ""
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.kind, self.param, self.code = status, message, kind, param, code

    def body(self) -> bytes:
        """`{"error": {message, type, param, code}}`."""
        error = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code or None}
        return json.dumps({"error": error}, ensure_ascii=False).encode("utf-8", "replace")

    def event(self) -> bytes:
        """The same as an event of a stream."""
        return b"data: " + self.body() + b"\n\n"

    def response(self, headers: dict[str, str] | None = None) -> Response:
        """The same as a whole response."""
        return Response(self.body(), self.status, headers, media_type="application/json")
