"""What a server lacks that was started again, and which adapters an endpoint was refused with as it is now."""

from rl_assets.core.home import Home
from rl_assets.models.adapters import Adapter
from rl_assets.serving.config import ServingFile
from rl_assets.serving.plan import Refusals, plan_of_home
from rl_assets.serving.refused import pair_key, read_refused
from rl_assets.serving.replicas import Replica, Replicas
from rl_assets.serving.roles import ServedAdapter
from rl_assets.serving.routing import read_routing


def refusal_key(serving: ServingFile, replicas: Replicas, adapter: Adapter, endpoint: str) -> str:
    """The pair of adapter and endpoint under which a refusal is recorded."""
    limits = [replica.limits for replica in replicas.of(endpoint)]
    return pair_key(adapter.sha256, serving.endpoints[endpoint], limits)


def refusals_of(home: Home, serving: ServingFile, replicas: Replicas) -> Refusals:
    """Why an adapter was refused at an endpoint before, by the file of refusals and the servers as they are now."""
    entries = read_refused(home)

    def refused(adapter: Adapter, endpoint: str) -> str | None:
        entry = entries.get(refusal_key(serving, replicas, adapter, endpoint)) if entries else None
        return entry.finding if entry else None

    return refused


def reloadable(home: Home, serving: ServingFile, replicas: Replicas) -> list[tuple[ServedAdapter, Replica]]:
    """What `routing.json` names, a server does not have, and a file still names: to be loaded again.

    Adapters that were refused there are not among them.
    """
    plan, refused = plan_of_home(home, serving), refusals_of(home, serving, replicas)
    missing = replicas.missing(read_routing(home))
    known = [(name, replica, plan.adapters.get(replica.endpoint, {}).get(name)) for replica, name in missing]
    return [
        (ServedAdapter(name, adapter), replica)
        for name, replica, adapter in known
        if adapter is not None and refused(adapter, replica.endpoint) is None
    ]
