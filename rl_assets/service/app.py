"""The feedback service as one application: its routes, and what holds for every one of them."""

from fastapi import FastAPI

from rl_assets.service import pages, routes_rl, routes_training
from rl_assets.service.errors import add_error_handlers
from rl_assets.service.state import Service, open_service
from rl_assets.settings import Settings


def build_app(settings: Settings) -> FastAPI:
    """The application of a deployment. Raises StoreError if its database or home cannot be used."""
    return app_of(open_service(settings))


def app_of(service: Service) -> FastAPI:
    """The application on the parts of one service, which `app.state.service` holds."""
    app = FastAPI(title="rl-assets feedback service", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.state.service = service
    add_error_handlers(app)
    for routes in (pages, routes_training, routes_rl):
        app.include_router(routes.router(service))
    return app
