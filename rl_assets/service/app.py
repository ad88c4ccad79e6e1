"""The feedback service as one application: its routes, and what holds for every one of them."""

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from rl_assets.service import pages, routes_rl, routes_training
from rl_assets.service.database import StoreError
from rl_assets.service.errors import add_error_handlers
from rl_assets.service.guard import Guard
from rl_assets.service.landing import land
from rl_assets.service.state import Service, open_service
from rl_assets.settings import Settings, load_settings

# Workers look whether rows have waited long enough; whichever looks first lands them.
MAX_POLL_S = 30
logger = logging.getLogger(__name__)


def build_app(settings: Settings) -> FastAPI:
    """The application of a deployment. Raises StoreError if its database or home cannot be used."""
    return app_of(open_service(settings))


def app_from_environment() -> FastAPI:
    """The application as each worker process makes it."""
    return build_app(load_settings())


def app_of(service: Service) -> FastAPI:
    """The application on the parts of one service, which `app.state.service` holds."""
    app = FastAPI(
        title="rl-assets feedback service",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=_lifespan,
    )
    app.state.service = service
    add_error_handlers(app)
    app.add_middleware(Guard, origins=tuple(service.settings.service_origins))
    for routes in (pages, routes_training, routes_rl):
        app.include_router(routes.router(service))
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Rows land in the background while a worker runs."""
    stopped = threading.Event()
    thread = threading.Thread(target=_land_until, args=(app.state.service, stopped), name="lander", daemon=True)
    thread.start()
    yield
    stopped.set()
    thread.join(timeout=5)
    app.state.service.store.database.close()


def _land_until(service: Service, stopped: threading.Event) -> None:
    seconds = service.settings.service_land_seconds
    while not stopped.wait(max(1, min(seconds, MAX_POLL_S))):
        try:
            land(service.store, service.home, seconds)
        except StoreError as error:
            # The rows wait in the database, and the next round tries again.
            logger.warning("nothing landed: %s", error)
