"""A new arm, asked through the gateway: what callers would get. A gateway that does not run is said, and no failure."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rl_assets.core.chat import Message
from rl_assets.serving.parity import Finding
from rl_assets.serving.ports import open_url
from rl_assets.serving.probe_signature import HEADER

REQUESTS = 20
MAX_TOKENS = 8
TIMEOUT_S = 60.0
# The gateway reads a new routing file within a second.
NOTICED_WITHIN_S, LOOK_EVERY_S = 10.0, 0.2
SHOWN = 300
CONVERSATION = "rl-assets-probe"


@dataclass(frozen=True)
class GatewayProbe:
    """The gateway's address, and its token if it needs one. `signature` is what keeps its calls out of the log."""

    url: str
    token: str | None = None
    signature: str | None = None

    def run(self, arm: str, adapter: str, prompts: Sequence[Sequence[Message]]) -> Finding:
        """REQUESTS requests by the arm's name: each must succeed and be answered by the adapter, as a header says."""
        try:
            noticed = self._wait_for(arm)
        except urllib.error.HTTPError as error:
            return Finding("gateway", problem=f"The gateway at {self.url} returns {error.code} for its list of models.")
        except OSError as error:
            reason = getattr(error, "reason", error)
            return Finding("gateway", warning=f"No gateway runs at {self.url}, so none was asked ({reason}).")
        if not noticed:
            return Finding("gateway", problem=f"The gateway at {self.url} does not list the arm {arm}.")
        problems = [self._ask(arm, adapter, prompts[row % len(prompts)], row) for row in range(REQUESTS)]
        failed = [problem for problem in problems if problem]
        summary = (
            f"{len(failed)} of {REQUESTS} requests for {arm} through the gateway failed: {failed[0]}" if failed else ""
        )
        return Finding("gateway", {"requests": REQUESTS, "failed": len(failed)}, summary or None)

    def _wait_for(self, arm: str) -> bool:
        """Whether the gateway lists the arm in time."""
        until = time.monotonic() + NOTICED_WITHIN_S
        while True:
            with open_url(self._request("/v1/models"), timeout=TIMEOUT_S) as response:
                listed = {str(model.get("id")) for model in json.load(response)["data"]}
            if arm in listed or time.monotonic() > until:
                return arm in listed
            time.sleep(LOOK_EVERY_S)

    def _ask(self, arm: str, adapter: str, prompt: Sequence[Message], row: int) -> str | None:
        """What is wrong with one answer; None if nothing is."""
        body = {"model": arm, "messages": list(prompt), "max_tokens": MAX_TOKENS, "temperature": 0}
        request = self._request("/v1/chat/completions", body)
        request.add_header("x-conversation-id", f"{CONVERSATION}-{row}")
        try:
            with open_url(request, timeout=TIMEOUT_S) as response:
                answered, reply = response.headers.get("x-adapter"), json.load(response)
        except urllib.error.HTTPError as error:
            return f"status {error.code}: {error.read().decode('utf-8', 'replace')[:SHOWN]}"
        except (OSError, ValueError) as error:
            return f"{type(error).__name__}: {error}"
        if answered != adapter:
            return f"the header x-adapter says {answered or 'nothing'}, expected {adapter}"
        return None if isinstance(reply, dict) and reply.get("choices") else "the reply has no choice"

    def _request(self, path: str, body: dict[str, Any] | None = None) -> urllib.request.Request:
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= {HEADER: self.signature} if self.signature else {}
        return urllib.request.Request(self.url + path, json.dumps(body).encode("utf-8") if body else None, headers)
