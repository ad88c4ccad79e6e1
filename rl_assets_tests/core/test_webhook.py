"""Alerts, posted to a real local web server."""

import pytest

from rl_assets.core.webhook import AlertError, post_alert
from rl_assets_tests.support.webhook import webhook


def test_a_refused_message_is_an_error_that_does_not_say_the_address():
    with webhook() as (address, received):
        post_alert(address, "text")
        assert received == ["text"]
        with pytest.raises(AlertError, match="the webhook responded 403") as raised:
            post_alert(f"{address}/refuse", "text")
    assert address not in str(raised.value)


def test_a_webhook_that_is_not_there_is_an_error():
    with pytest.raises(AlertError, match="cannot be reached"):
        post_alert("http://127.0.0.1:9", "text")
