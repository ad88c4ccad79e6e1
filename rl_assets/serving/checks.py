"""The checks of a rollout against real servers: preflight, parity at each replica, the probe through the gateway."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from rl_assets.core.home import Home
from rl_assets.models.adapters import Adapter
from rl_assets.models.base_models import BaseModel
from rl_assets.serving.drivers.make import token_of
from rl_assets.serving.gateway_probe import GatewayProbe
from rl_assets.serving.offline import CheckPrompts, OfflineModels, held_out_prompts
from rl_assets.serving.parity import Finding
from rl_assets.serving.preflight import refusals
from rl_assets.serving.probe_signature import probe_signature
from rl_assets.serving.replica_checks import ReplicaChecks
from rl_assets.serving.replicas import Replica
from rl_assets.serving.roles import ServedAdapter
from rl_assets.serving.routing import read_routing
from rl_assets.serving.served_answers import ModelServer


@dataclass
class ServingChecks:
    """Checks by the models of this machine. `find_base` is asked for what adapters are trained on, if it is needed."""

    home: Home
    find_base: Callable[[], BaseModel]
    environment: Mapping[str, str]
    gateway: GatewayProbe
    log: Callable[[str], None]
    _prompts: dict[str, CheckPrompts] = field(default_factory=dict)

    @cached_property
    def base(self) -> BaseModel:
        """The base model here."""
        return self.find_base()

    @cached_property
    def offline(self) -> OfflineModels:
        """The base and its adapters in this process."""
        return OfflineModels(self.base, self.log)

    def preflight(self, served: ServedAdapter, replica: Replica) -> list[str]:
        """Why the adapter may not be loaded there."""
        return refusals(served.adapter, self.base, self.offline.templates(served.adapter), replica.limits)

    def parity(self, served: ServedAdapter, previous: ServedAdapter | None, replica: Replica) -> Sequence[Finding]:
        """What the adapter's answers at that server show. `previous` counts if it is loaded there."""
        driver = replica.config.driver
        key = token_of(replica.config.token_env, replica.url, self.environment)
        server = ModelServer(replica.url, key, driver in ("embedded", "vllm"), driver)
        beside = previous if previous and previous.name in replica.names() else None
        prompts = self._chosen(served.adapter)
        return ReplicaChecks(self.offline, server, driver == "embedded", served, beside, prompts).findings()

    def probe(self, arm: str, served: ServedAdapter) -> Finding:
        """Whether the gateway answers by it, on the same prompts."""
        routing = read_routing(self.home)
        gateway = replace(self.gateway, signature=probe_signature(routing) if routing else None)
        return gateway.run(arm, served.name, self._chosen(served.adapter).prompts)

    def _chosen(self, adapter: Adapter) -> CheckPrompts:
        if adapter.sha256 not in self._prompts:
            self._prompts[adapter.sha256] = self.offline.choose(adapter, held_out_prompts(self.home, adapter))
        return self._prompts[adapter.sha256]
