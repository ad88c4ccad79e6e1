"""Alerts, posted to a real local web server; and the sensor that sends them."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import dagster as dg
import pytest

from rl_assets.core.webhook import AlertError, post_alert
from rl_assets.defs.shared.failed_runs import run_failure
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.settings import load_settings


class Webhook(BaseHTTPRequestHandler):
    """Keeps what is posted; refuses what is posted to /refuse."""

    received: list[dict]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).received.append(json.loads(body))
        self.send_response(403 if self.path == "/refuse" else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Not to the tests' output."""


@pytest.fixture
def webhook() -> Iterator[str]:
    Webhook.received = []
    server = HTTPServer(("127.0.0.1", 0), Webhook)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@dg.op
def breaks() -> None:
    raise ValueError("no such day")


@dg.job
def broken() -> None:
    breaks()


def fail_once() -> None:
    """Let a job fail, and the sensor see it."""
    with dg.instance_for_test() as instance:
        result = broken.execute_in_process(instance=instance, raise_on_error=False)
        (failure,) = result.filter_events(lambda event: event.event_type is dg.DagsterEventType.RUN_FAILURE)
        context = dg.build_run_status_sensor_context(
            "run_failure",
            failure,
            instance,
            result.dagster_run,
            resources={"home": HomeResource.from_settings(load_settings())},
        )
        run_failure(context.for_run_failure())


def test_a_failed_run_is_posted_with_its_name_and_reason(webhook, monkeypatch):
    monkeypatch.setenv("RL_ASSETS_ALERT_WEBHOOK", f"{webhook}/hook")
    fail_once()
    (message,) = Webhook.received
    assert message["text"].startswith("broken ") and "Steps failed: ['breaks']" in message["text"]


def test_without_a_webhook_nothing_is_posted(webhook, monkeypatch):
    monkeypatch.delenv("RL_ASSETS_ALERT_WEBHOOK", raising=False)
    fail_once()
    assert Webhook.received == []


def test_a_refused_message_is_an_error_that_does_not_say_the_address(webhook):
    with pytest.raises(AlertError, match="the webhook responded 403") as raised:
        post_alert(f"{webhook}/refuse", "text")
    assert webhook not in str(raised.value)


def test_a_webhook_that_is_not_there_is_an_error():
    with pytest.raises(AlertError, match="cannot be reached"):
        post_alert("http://127.0.0.1:9", "text")
