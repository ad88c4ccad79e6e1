"""Base class of resources for OpenAI-compatible endpoints; judge and teacher extend it where their assets are."""

import dagster as dg

from rl_assets.llm.client import Endpoint

# A local server takes no key, but the client insists on one.
NO_KEY = "none"


class EndpointResource(dg.ConfigurableResource):
    """An OpenAI-compatible endpoint, or none. Its key stays in the environment, since resources show in the UI.

    `timeout_s` is in seconds per call, `retries` counts attempts after the first, `concurrency` parallel calls.
    """

    base_url: str | None
    model: str | None
    timeout_s: float = 60.0
    retries: int = 4
    concurrency: int = 4

    def endpoint(self, api_key: str | None) -> Endpoint | None:
        """Address, model and key; None if no model is configured."""
        if self.base_url is None or self.model is None:
            return None
        key = api_key or NO_KEY
        return Endpoint(self.base_url, self.model, key, self.timeout_s, self.retries, self.concurrency)
