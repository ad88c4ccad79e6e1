"""Which item is next: by who judged what, without pages and without a lake."""

from datetime import UTC, date, datetime

import pytest

from rl_assets.core.files import sha256_text
from rl_assets.service.act_rows import raters_query
from rl_assets.service.acts import Act
from rl_assets.service.database import open_database
from rl_assets.service.items import Item
from rl_assets.service.queue import Filter, Queue
from rl_assets.service.rater_rows import Rater
from rl_assets.service.store import Store
from rl_assets.service.tokens import Signer
from rl_assets.settings import Settings

NOW = datetime(2026, 10, 2, tzinfo=UTC)
SHARED, ALONE = "0" * 24, "f" * 24


class Listed:
    """Items that stay as they are."""

    versions = (1,)

    def __init__(self, *items: Item) -> None:
        self.items = items

    def all(self) -> tuple[Item, ...]:
        return self.items


@pytest.fixture
def store(home) -> Store:
    return Store(open_database(None, Settings(home=home).paths), lambda: NOW)


def item(name: str, key: str, brand: str = "acme") -> Item:
    return Item(key, "rate", brand, "support", (name,), (date(2026, 10, 1),))


def judge(store: Store, name: str, rater: str, kind: str = "thumbs") -> None:
    value = {"value": 1} if kind == "thumbs" else {}
    act = Act(act_id=f"{rater}-{name}", kind=kind, interaction_id=name, rater=rater, created_at=NOW, **value)
    assert store.record_act(act).status == "new"


def left(queue: Queue, rater: str) -> list[str]:
    return [found.ids[0] for found in queue.view(Rater(rater)).left]


def test_one_person_suffices_except_for_items_that_are_shared(store):
    queue = Queue(Listed(item("one", SHARED), item("two", ALONE), item("three", ALONE[:-1] + "e")), store)
    assert left(queue, "bob") == ["one", "two", "three"]
    judge(store, "one", "ann")
    judge(store, "two", "ann")
    assert left(queue, "bob") == ["three", "one"], "those with the fewest raters come first"
    judge(store, "one", "bob")
    assert left(queue, "cy") == ["three"]


def test_what_one_took_back_is_to_be_judged_again(store):
    queue = Queue(Listed(item("one", ALONE)), store)
    judge(store, "one", "ann")
    assert left(queue, "bob") == []
    retraction = Act(
        act_id="undo", kind="retraction", interaction_id="one", rater="ann", retracts="ann-one", created_at=NOW
    )
    assert store.record_act(retraction).status == "new"
    assert left(queue, "bob") == left(queue, "ann") == ["one"]


def test_a_new_act_changes_what_it_is_about_as_reading_all_would(store):
    items = [item(str(number), SHARED if number % 2 else ALONE) for number in range(20)]
    kept = Queue(Listed(*items), store)
    for number in range(40):
        judge(store, str(number * 7 % 20), f"rater-{number % 3}", "skip" if number % 5 == 0 else "thumbs")
        for rater in ("rater-0", "rater-1", "new"):
            assert kept.view(Rater(rater)) == Queue(Listed(*items), store).view(Rater(rater))


def test_who_judged_what_is_read_through_the_index_of_retractions(store):
    with store.database.read() as connection:
        query = raters_query().compile(connection, compile_kwargs={"literal_binds": True})
        plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]
    assert any("acts_retract_by_rater" in step for step in plan), plan


def test_what_one_skipped_goes_to_others(store):
    queue = Queue(Listed(item("one", ALONE)), store)
    judge(store, "one", "ann", "skip")
    assert left(queue, "ann") == [] and left(queue, "bob") == ["one"]


def test_a_reward_that_a_product_logs_for_its_user_is_no_judgement_of_a_person(store):
    reward = Act(act_id="r", kind="reward", interaction_id="i-1", rater="a user", value=1, created_at=NOW)
    assert store.record_act(reward).status == "new"
    assert store.raters_by_item() == {}


def test_one_item_in_ten_is_shared():
    keys = [sha256_text(str(number))[:24] for number in range(10_000)]
    assert sum(item("x", key).is_shared for key in keys) == pytest.approx(1000, abs=100)


def test_what_a_rater_has_on_the_screen_comes_first_again_and_is_given_to_nobody_else(store):
    queue = Queue(Listed(item("one", SHARED), item("two", ALONE)), store)
    wanted = Filter("rate")
    assert store.lease(ALONE, "ann")
    assert queue.next(Rater("ann"), wanted).item.ids == ("two",)
    assert queue.next(Rater("bob"), wanted).item.ids == ("one",)
    assert queue.next(Rater("cy"), wanted).item is None


def test_a_filter_keeps_brand_and_task(store):
    queue = Queue(Listed(item("one", SHARED), item("two", ALONE, "bolt")), store)
    assert queue.next(Rater("ann"), Filter("rate", "bolt")).item.ids == ("two",)
    assert queue.next(Rater("ann"), Filter("rate", "bolt", "sales")).item is None
    assert left(queue, "ann") == ["one", "two"]
    assert [found.brand for found in queue.view(Rater("bob", "bolt")).left] == ["bolt"]


def test_the_second_answer_is_shown_first_to_half_of_the_raters():
    key = b"a key of 32 bytes, for tests only"
    seconds = sum(Signer(key, f"rater-{number}").shows_second_first(SHARED) for number in range(1000))
    assert seconds == pytest.approx(500, abs=50)


def test_a_token_is_of_one_rater_and_as_it_was_signed():
    ann = Signer(b"key", "ann")
    token = ann.sign(SHARED, NOW)
    read = ann.read(token)
    assert read is not None and read.key == SHARED and read.made_at == NOW
    assert Signer(b"key", "bob").read(token) is None and Signer(b"other", "ann").read(token) is None
    assert ann.read(token.replace(SHARED, ALONE)) is None
    assert ann.read(ann.sign(SHARED, NOW)).form != read.form
