"""Errors of requests: a status, a sentence, and the field at fault, in one form of JSON for every route."""

from collections.abc import Mapping
from math import ceil

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from rl_assets.core.validation import ALLOWED
from rl_assets.service.database import DiskFullError, StoreError

STATUS_DISK_FULL = 507


class ServiceError(Exception):
    """A request that cannot be answered: its status, a sentence for who sent it, and the field if one is at fault."""

    def __init__(
        self, status: int, detail: str, field: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.field, self.headers = status, detail, field, dict(headers or {})

    @property
    def body(self) -> dict[str, str | None]:
        return {"detail": self.detail, "field": self.field}


def too_many(seconds: float, what: str) -> ServiceError:
    """The error of a rate that is exceeded."""
    wait = ceil(seconds)
    return ServiceError(429, f"too many {what}: try again in {wait} s", headers={"Retry-After": str(wait)})


def add_error_handlers(app: FastAPI) -> None:
    """Answer every error as `{"detail": sentence, "field": name}`: a missing database by 503, a full disk by 507."""

    @app.exception_handler(ServiceError)
    async def _service_error(_: Request, error: ServiceError) -> JSONResponse:
        return JSONResponse(error.body, error.status, error.headers)

    @app.exception_handler(StoreError)
    async def _store_error(_: Request, error: StoreError) -> JSONResponse:
        full = isinstance(error, DiskFullError)
        headers = {} if full else {"Retry-After": "5"}
        return JSONResponse({"detail": str(error), "field": None}, STATUS_DISK_FULL if full else 503, headers)

    @app.exception_handler(RequestValidationError)
    async def _validation_error(_: Request, error: RequestValidationError) -> JSONResponse:
        problem = error.errors()[0]
        location = [str(part) for part in problem["loc"] if part not in ("body", "query", "path")]
        field = ".".join(location) or None
        return JSONResponse({"detail": _sentence(problem, field or "the body"), "field": field}, 422)

    @app.exception_handler(HTTPException)
    async def _http_error(request: Request, error: HTTPException) -> JSONResponse:
        detail = f"there is no {request.url.path} here" if error.status_code == 404 else str(error.detail)
        return JSONResponse({"detail": detail, "field": None}, error.status_code, error.headers)


def _sentence(problem: Mapping[str, object], name: str) -> str:
    kind, context = str(problem["type"]), dict(problem.get("ctx") or {})  # type: ignore[call-overload]
    if kind == "missing":
        return f"{name} is missing"
    if kind == "extra_forbidden":
        return f"{name} is no field here"
    if kind == "value_error":
        return f"{name}: {context['error']}"
    if kind in ALLOWED:
        return f"{name}: {ALLOWED[kind].format(**context)}"
    return f"{name}: {problem['msg']}"
