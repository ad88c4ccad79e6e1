"""Verdicts that people gave, from the files that a product drops to the reward of each answer."""

from itertools import count
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.lake.delta import Lake
from rl_assets.tables.rated_interactions import RATED_INTERACTIONS
from rl_assets.tables.records import FEEDBACK, INTERACTIONS
from rl_assets_tests.support.logs import DAY, Product, interaction
from rl_assets_tests.support.rated_days import rate, rewards

homes = count()


def product_in(folder: Path) -> Product:
    """A product with a home of its own."""
    home = folder / f"home-{next(homes)}"
    (home / "landing").mkdir(parents=True)
    return Product(home / "landing", Lake(str(home / "lake")))


def trace(*scores: dict[str, object]) -> dict[str, object]:
    """A trace of Langfuse with its scores so far."""
    turn = {"role": "user", "content": "How do I reset the router?"}
    generation = {"type": "GENERATION", "startTime": f"{DAY}T09:00:00Z", "input": [turn], "output": "Hold the button."}
    about = {"id": "t-100", "timestamp": f"{DAY}T09:00:00Z", "name": "bot", "userId": "u-7", "scores": [*scores]}
    return {"trace": about, "observations": [generation]}


def completion(**fields: object) -> dict[str, object]:
    """A stored completion without an id."""
    turns = [{"role": "user", "content": "Name a colour."}, {"role": "assistant", "content": "Blue."}]
    return {"created": 1790845200, "messages": turns, **fields}


SCORE = {"id": "sc-1", "name": "overall", "value": 1, "source": "API", "timestamp": f"{DAY}T12:00:00Z"}
EXPORTS = {
    "langfuse": [trace(), trace(SCORE)],
    "interaction_log": [interaction("i-1"), interaction("i-1", user_id="u-7", user_rating=5, user_feedback="thanks")],
    "openai_chat": [completion(), completion(feedback={"thumbs": "down", "user_id": "u-9"})],
}


@pytest.mark.parametrize("together", [True, False])
def test_an_answer_exported_twice_in_a_day_keeps_the_feedback_of_every_copy(
    tmp_path: Path, instance: dg.DagsterInstance, together: bool
) -> None:
    hashes = set()
    for step in (1, -1):
        product = product_in(tmp_path)
        for log_format, lines in EXPORTS.items():
            for number, line in enumerate([lines] if together else zip(lines[::step], strict=True)):
                product.log(*line[::step], log_format=log_format, name=f"part-{number}.jsonl")
        assert rate(product, instance).success
        events = sorted((row["kind"], row["value"]) for row in product.rows(FEEDBACK) if row["value"] is not None)
        assert events == [("rating", 1.0), ("reward", 1.0), ("thumbs", 0.0)]
        assert [row["comment"] for row in product.rows(FEEDBACK) if row["kind"] == "comment"] == ["thanks"]
        assert sorted(value for value in rewards(product).values() if value is not None) == [0.0, 1.0, 1.0]
        tables = [product.lake.published(table, DAY).sha256 for table in (INTERACTIONS, FEEDBACK, RATED_INTERACTIONS)]
        hashes.add(tuple(tables))
    assert len(hashes) == 1


def test_every_line_of_repeated_answers_is_accounted_for(product: Product, instance: dg.DagsterInstance) -> None:
    for log_format, lines in EXPORTS.items():
        product.log(*lines, log_format=log_format)
    result = rate(product, instance)
    (check,) = [each for each in result.get_asset_check_evaluations() if each.check_name == "every_line_is_counted"]
    assert check.passed
    assert product.ingest().duplicates == 3
