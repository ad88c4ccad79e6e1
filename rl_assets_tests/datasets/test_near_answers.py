"""Answers that are nearly the same, whatever prompts they are to."""

import random

from rl_assets.core import sql
from rl_assets.datasets.audit import audit
from rl_assets.datasets.near_answers import few_alike
from rl_assets.datasets.suites import SFT
from rl_assets_tests.support.dataset_tables import connected, good_rows, message

ANSWER = "messages[-1].content"
VOCABULARY = [f"word{number}" for number in range(2000)]


def text(rng: random.Random, length: int = 60) -> list[str]:
    return rng.sample(VOCABULARY, length)


def found(answers: list[list[str]], most: int = 5_000) -> set[int]:
    connection = sql.connect()
    rows = [[message("user", "Q"), message("assistant", " ".join(said))] for said in answers]
    connection.execute("CREATE TABLE rows AS SELECT unnest($rows) AS messages", {"rows": rows})
    audit(connection, [few_alike(ANSWER, most)])
    return {row for (row,) in connection.sql("SELECT row FROM compared_answers WHERE near").fetchall()}


def test_answers_that_differ_by_a_few_words_are_found_and_others_are_not():
    rng = random.Random(1)
    different = [text(rng) for _ in range(200)]
    halves = [[*said[:40], *text(rng, 20)] for said in different[:50]]  # A Jaccard similarity of about a half.
    varied = [[*said[:-2], f"new{place}", f"newer{place}"] for place, said in enumerate(different[100:150])]
    near = found([*different, *halves, *varied])
    twins = {*range(100, 150), *range(250, 300)}
    assert len(near & twins) > 95
    assert near <= twins


def test_words_are_told_apart_at_any_blank_and_in_any_case():
    rng = random.Random(4)
    said, others = text(rng), [text(rng) for _ in range(20)]
    written = ["\n".join(said[:20]), "\t".join(said[20:40]).upper(), "\r\n".join(said[40:])]
    assert found([said, *others, written]) == {0, 21}


def test_an_answer_of_many_words_but_few_different_ones_is_not_counted():
    assert found([["yes", "no"] * 20, ["no", "yes"] * 20, ["perhaps"] * 40]) == set()


def test_short_answers_are_not_counted_and_no_rows_have_none():
    assert found([["yes"], ["yes"], ["no", "no"]]) == set()
    assert audit(connected([], "sft_dataset"), [few_alike(ANSWER)])[0].observed == 0


def test_of_many_rows_the_first_are_compared_and_variants_of_one_answer_are_among_them():
    rng = random.Random(3)
    said = text(rng)
    near = found([[*said, f"end{number}"] if number % 2 else text(rng) for number in range(400)], most=50)
    assert near == set(range(1, 50, 2))


def test_a_dataset_of_one_answer_in_variants_is_warned_of():
    rng = random.Random(2)
    said, rows = text(rng), good_rows("sft_dataset")
    for number, row in enumerate(rows):
        answer = [*said, f"end{number}"] if number % 2 else text(rng)
        row["messages"][-1]["content"] = " ".join(answer)
    finding = next(
        finding
        for finding in audit(connected(rows, "sft_dataset"), SFT)
        if finding.expectation.name == "few_answers_are_nearly_alike"
    )
    assert not finding.passed and not finding.blocks
    assert 0.45 < finding.observed <= 0.5
    assert finding.samples
