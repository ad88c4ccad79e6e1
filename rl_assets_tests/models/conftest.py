"""A barely trained model with two adapters, for tests of loading, generation and scoring."""

from rl_assets_tests.support.evaluation_fixtures import base, candidate, loaded, models, parent

__all__ = ["base", "candidate", "loaded", "models", "parent"]
