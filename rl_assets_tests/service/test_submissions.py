"""Forms that are sent at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rl_assets.service import submissions
from rl_assets.service.forms import Asker, Rating
from rl_assets.service.items import Item
from rl_assets.service.submissions import Submission, submit
from rl_assets_tests.support.postgres import postgres_server  # noqa: F401
from rl_assets_tests.support.service_clients import NOW, service_at

ITEM = Item("a" * 24, "rate", "acme", "support", ("answer-1",))


@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.server])]
)
def test_of_two_forms_on_one_answer_that_are_sent_at_once_one_is_kept(database, tmp_path: Path, monkeypatch, request):
    url = None if database == "sqlite" else request.getfixturevalue("postgres_server").url
    store = service_at(tmp_path, service_database=url).store
    looked, before = threading.Barrier(2, timeout=30), submissions._form_before
    waited = threading.local()

    def look(*given, **named) -> str | None:
        found = before(*given, **named)
        # Both have looked before either writes; who comes too late looks again.
        if not hasattr(waited, "once"):
            waited.once = looked.wait()
        return found

    def send(form: str, thumbs: str) -> Submission:
        acts = Rating(thumbs).acts(Asker("mary", ITEM, form, NOW), "The answer.")
        return submit(store, "mary", ITEM, form, acts, None, NOW)

    monkeypatch.setattr(submissions, "_form_before", look)
    with ThreadPoolExecutor(2) as pool:
        sent = list(pool.map(send, ("1" * 32, "2" * 32), ("up", "down")))

    (kept,) = store.acts_of("mary")
    assert sorted(each.outcome for each in sent) == ["judged_before", "saved"]
    assert {each.before for each in sent} == {None, submissions.form_of(kept)}
    store.database.close()
