"""Alerts: posted to a webhook in the form of Slack, Mattermost and others."""

import json
import urllib.error
import urllib.request

TIMEOUT_S = 10.0


class AlertError(RuntimeError):
    """A message could not be delivered; the text holds no part of the address, which is a secret."""


def post_alert(webhook: str, text: str) -> None:
    """POST `{"text": ...}` to an http(s) address; AlertError if it is not accepted within TIMEOUT_S."""
    body = json.dumps({"text": text}).encode("utf-8")
    request = urllib.request.Request(webhook, data=body, headers={"Content-Type": "application/json"}, method="POST")
    try:
        urllib.request.urlopen(request, timeout=TIMEOUT_S).close()
    except urllib.error.HTTPError as error:
        raise AlertError(f"the webhook responded {error.code}: check RL_ASSETS_ALERT_WEBHOOK") from None
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise AlertError(f"the webhook cannot be reached ({reason}): check RL_ASSETS_ALERT_WEBHOOK") from None
