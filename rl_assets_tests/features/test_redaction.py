"""Personal data is replaced before anything is built, and what it hid becomes plain."""

import json

import pyarrow as pa
import pytest

from rl_assets.datasets.builders import build_pairs, build_sft
from rl_assets.datasets.policies import DpoPolicy, SftPolicy
from rl_assets.features.privacy import find, holds_personal_data
from rl_assets.tables.features import FEATURES, REDACTIONS
from rl_assets.tables.records import INTERACTIONS
from rl_assets_tests.support.logs import DAY, Product, about, interaction, judged, later
from rl_assets_tests.support.published_datasets import BUILDERS


@pytest.mark.slow  # Several seconds of CPU.
def test_no_personal_data_of_the_labelled_sentences_is_left_in_any_dataset(product: Product, published_data):
    lines = (published_data / "pii-presidio" / "synth_v2.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["full_text"] for line in lines][:400]
    product.log(
        *(
            judged(f"{number}-{score}", score, query=f"{text} ({number})", answer=f"{score}: {texts[number - 1]}")
            for number, text in enumerate(texts)
            for score in (0.9, 0.1)
        )
    )
    product.log(
        *(
            about(f"{number}-0.1", f"f{number}", "correction", preferred_output=f"Better: {texts[number - 2]}")
            for number in range(0, len(texts), 3)
        ),
        log_format="feedback_table",
    )
    product.ingest()
    assert sum(bool(find(text)) for text in texts) > 50
    for build, policy in BUILDERS:
        _, rows = product.build(build, policy)
        said = pa.array(
            [
                turn.get("content") or turn["text"]
                for row in rows
                for name in ("messages", "prompt", "completion", "chosen", "rejected", "responses")
                for turn in row.get(name) or []
            ]
        )
        assert len(said) > 150
        assert not any(holds_personal_data(said).to_pylist())
        assert sum("<CARD>" in text for text in said.to_pylist()) > 5


def test_a_clean_prompt_has_the_key_of_its_clean_text(product: Product):
    product.log(
        *(
            judged(str(number), 0.9, query=f"I am {name}@shop.org, hello?")
            for number, name in enumerate(["ann", "bob"])
        ),
        judged("plain", 0.9, query="I am <EMAIL>, hello?"),
    )
    product.ingest()
    rated = product.rated()
    assert len({row["prompt_key"] for row in rated.values()}) == 1
    assert [rated[name]["personal_data"] for name in ("0", "1", "plain")] == [True, True, False]


def test_answers_that_differ_in_personal_data_only_are_no_pair(product: Product):
    product.log(judged("a", 0.9, answer="Call 030 123456 78, tel 0301234567."), judged("b", 0.1, answer="Call him."))
    product.log(judged("c", 0.9, answer="Mail a@b.org."), judged("d", 0.1, answer="Mail c@d.org."), name="p.jsonl")
    product.ingest()
    _, rows = product.build(build_pairs, DpoPolicy(max_len_ratio=100))
    assert rows and not [row for row in rows if row["chosen"] == row["rejected"]]
    assert product.rated()["c"]["pooled_reward"] == product.rated()["d"]["pooled_reward"] == 0.5, (
        "one text, two rewards"
    )


def test_only_texts_that_held_something_are_copied_and_the_landed_ones_stay(product: Product):
    product.log(interaction("a1", answer="Write to joe@shop.org"), interaction("a2"))
    product.ingest()
    product.rated()
    [copy] = product.rows(REDACTIONS)
    assert (copy["id"], copy["found"], copy["answer"]) == ("a1", ["EMAIL"], "Write to <EMAIL>")
    assert {row["answer"] for row in product.rows(INTERACTIONS)} >= {"Write to joe@shop.org"}
    plain = product.rows(INTERACTIONS, DAY)
    assert copy["answer_key"] not in {row["answer_key"] for row in plain}


def test_system_turns_contexts_and_null_answers_are_cleaned_too(product: Product):
    product.log(interaction("a1", system="Owner: ann@shop.org", context="From 10.1.2.3", answer=None))
    product.ingest()
    product.rated()
    [copy] = product.rows(REDACTIONS)
    assert [turn["content"] for turn in copy["prompt"]] == ["Owner: <EMAIL>", "Where is my order?"]
    assert (copy["context"], copy["answer"], copy["answer_key"]) == ("From <IP>", None, None)


def test_a_day_is_described_once_and_again_when_it_lands_again(product: Product):
    product.log(interaction("a1"))
    product.ingest()
    product.rated()
    version = product.lake.open(FEATURES).version()
    product.rated()
    product.rated(later(1))
    assert product.lake.open(FEATURES).version() == version
    product.log(interaction("a2"), name="late.jsonl")
    product.ingest()
    assert set(product.rated()) == {"a1", "a2"}
    assert product.lake.open(FEATURES).version() == version + 1


def test_refusals_and_boilerplate_are_not_trained_on_and_are_counted(product: Product):
    product.log(
        judged("a1", 0.9, query="Can you?", answer="I'm sorry, but I can't help with that."),
        judged("a2", 0.9, query="And now?"),
        judged("a3", 0.9, query="Hello?", answer="How can I help you today?"),
    )
    product.ingest()
    built, rows = product.build(build_sft, SftPolicy())
    assert [row["metadata"]["interaction_id"] for row in rows] == ["a2"]
    assert built.dropped == {"refusal": 1, "boilerplate": 1}
