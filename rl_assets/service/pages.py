"""Pages for raters: rate an answer, compare two, see and undo what you said."""

from fastapi import APIRouter

from rl_assets.service.state import Service


def router(service: Service) -> APIRouter:
    """The routes, on the parts of one service."""
    return APIRouter()
