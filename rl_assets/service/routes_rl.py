"""REST of logging products and routers: answers, rewards, and what the bandits learned."""

from fastapi import APIRouter

from rl_assets.service.state import Service


def router(service: Service) -> APIRouter:
    """The routes, on the parts of one service."""
    return APIRouter()
