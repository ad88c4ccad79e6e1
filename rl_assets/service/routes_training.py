"""REST below `/api/v1/training`: statistics, datasets on request, training scripts."""

from fastapi import APIRouter

from rl_assets.service.state import Service


def router(service: Service) -> APIRouter:
    """The routes, on the parts of one service."""
    return APIRouter()
