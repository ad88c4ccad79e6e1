"""The feedback service with one route more, which takes an act as JSON: for tests of what lies below the routes."""

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from rl_assets.service.acts import Act
from rl_assets.service.app import app_of
from rl_assets.service.state import Service, open_service
from rl_assets.settings import load_settings

STATUS = {"new": 201, "repeated": 200, "conflict": 409}


def app() -> FastAPI:
    """The application as a worker process makes it."""
    return with_acts(open_service(load_settings()))


def with_acts(service: Service) -> FastAPI:
    """The application on a service, with the route `/acts`."""
    application = app_of(service)

    @application.post("/acts")
    def record(act: Act) -> JSONResponse:
        recorded = service.store.record_act(act)
        return JSONResponse({"status": recorded.status}, STATUS[recorded.status])

    return application
