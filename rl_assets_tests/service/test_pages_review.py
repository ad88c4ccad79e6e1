"""Pairs of the review queue on /compare: labels come back as those that a decision on promotion counts."""

from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from rl_assets.evaluation.review.files import write_queue
from rl_assets.evaluation.review.labels import landed_labels, newest_of_each, shown_pairs, split_labels
from rl_assets.evaluation.review.queue import answer_key, queue_lines
from rl_assets.service.landing import land
from rl_assets.tables.review_queue import REVIEW_QUEUE
from rl_assets_tests.support.feedback_pages import Deployment, deploy
from rl_assets_tests.support.logs import DAY, later
from rl_assets_tests.support.reviewed_nights import answers

NAME = "review:0a1b2c3d4e5f:0123abcd-4567cdef:night-0"


@pytest.fixture
def deployment(home) -> Deployment:
    """A service on a night that asks people about one pair: a good answer of the candidate, and another one."""
    found = deploy(home)
    pairs = answers(2, "night")
    rows = [row(pair.cluster, pair.prompt_key, pair.ours, pair.theirs, drawn=n == 0) for n, pair in enumerate(pairs)]
    found.product.lake.publish(REVIEW_QUEUE, DAY, pa.Table.from_pylist(rows, schema=REVIEW_QUEUE.schema).to_reader())
    write_queue(found.service.home.reports(str(DAY)), queue_lines(rows, pairs))
    return found


def row(cluster: str, prompt_key: str, ours: str, theirs: str, drawn: bool) -> dict[str, Any]:
    return {
        "day": DAY,
        "segment": None,
        "epoch": "0a1b2c3d4e5f",
        "lineage": "dpo",
        "pair_id": f"review:0a1b2c3d4e5f:0123abcd-4567cdef:{cluster}",
        "cluster": cluster,
        "prompt_key": prompt_key,
        "model": "0123abcd",
        "against": "4567cdef",
        "ours_key": answer_key(ours),
        "theirs_key": answer_key(theirs),
        "drawn": drawn,
        "judged": None,
    }


def labels(deployment: Deployment) -> dict[str, float]:
    """What each rater says of the pair, as a decision reads it after the night: 1 if the candidate is better."""
    land(deployment.service.store, deployment.service.home)
    day = deployment.clock().date()
    deployment.product.ingest(day)
    events = newest_of_each(landed_labels(deployment.product.lake, date.min, day))
    known, strangers = split_labels(events, shown_pairs(deployment.product.lake, [NAME]))
    assert strangers == []
    return {str(number): label.value for number, label in enumerate(sorted(known, key=lambda label: label.value))}


def prefer(person: Any, text: str) -> None:
    person.open("/compare")
    is_first = text in person.page.css(".sides section")[0].text()
    person.send("form.main-form", choice="a" if is_first else "b")


@pytest.mark.parametrize(("text", "value"), [("A good answer", 1.0), ("A very bad", 0.0)])
def test_a_choice_is_a_label_of_the_pair_whichever_side_was_first(deployment, text, value):
    with deployment.person("ann") as ann:
        assert "Compare (1 left)" in ann.text("main"), "only pairs that were drawn are shown"
        prefer(ann, text)
        assert "All done" in ann.text("main")
    assert deployment.clock().date() == later(1)
    assert labels(deployment) == {"0": value}


def test_no_difference_is_a_tie_and_a_change_replaces_it(deployment):
    with deployment.person("ann") as ann:
        ann.open("/compare")
        assert NAME not in ann.last.text and "review" not in ann.last.text
        ann.send("form.main-form", choice="tie")
        assert labels(deployment) == {"0": 0.5}
        ann.open("/mine")
        ann.open(ann.page.css_first("article a").attributes["href"])
        is_first = "A good answer" in ann.page.css(".sides section")[0].text()
        ann.send("form.main-form", choice="a" if is_first else "b")
        assert "Your change is saved" in ann.text("#status")
    assert labels(deployment) == {"0": 1.0}


def test_who_may_see_one_brand_is_asked_about_no_pair_of_the_product(deployment):
    with deployment.person("bob", "acme") as bob:
        assert "There is nothing to rate yet" in bob.text("main")
