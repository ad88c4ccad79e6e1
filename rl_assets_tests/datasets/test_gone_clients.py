"""Answers whose caller left before their end: half a text, which no dataset teaches or warns of."""

import pytest

from rl_assets.datasets.builders import build_grpo, build_kto, build_pairs, build_sft
from rl_assets.datasets.policies import GrpoPolicy, KtoPolicy, PairPolicy, SftPolicy
from rl_assets_tests.support.logs import Product, about, interaction

HALF, OTHER_HALF = "First you", "To begin"
WHOLE, WORSE, WRITTEN = "Press the red button.", "No idea.", "Press the reset."
BUILDERS = {
    "sft": (build_sft, SftPolicy()),
    "pairs": (build_pairs, PairPolicy(strategies=("explicit", "all_margin"), per_prompt=9)),
    "kto": (build_kto, KtoPolicy()),
    "grpo": (build_grpo, GrpoPolicy(min_group_size=2)),
}


def gone(name: str, text: str):
    return interaction(name, answer=text, error_occurred=True, error_message="client_gone")


@pytest.fixture
def left(product: Product) -> Product:
    product.log(
        gone("gone-up", HALF), gone("gone-down", OTHER_HALF), interaction("up", answer=WHOLE),
        interaction("down", answer=WORSE),
    )  # fmt: skip
    product.log(
        *(about(name, f"thumb-{name}", "thumbs_up") for name in ("gone-up", "up")),
        *(about(name, f"thumb-{name}", "thumbs_down") for name in ("gone-down", "down")),
        about("gone-down", "corrected", "correction", preferred_output=WRITTEN),
        about("up", "over-half", "preference", preferred_output=WHOLE, rejected_output=HALF),
        about("down", "for-half", "preference", preferred_output=HALF, rejected_output=WORSE, user_id="tom"),
        log_format="feedback_table",
    )
    product.ingest()
    return product


@pytest.mark.parametrize("kind", BUILDERS)
def test_half_an_answer_trains_nothing(left: Product, kind: str):
    build, policy = BUILDERS[kind]
    built, rows = left.build(build, policy)
    assert WHOLE in str(rows) or WRITTEN in str(rows)
    assert HALF not in str(rows) and OTHER_HALF not in str(rows)
    assert built.dropped["error"] >= 2


def test_what_a_person_wrote_in_its_place_is_still_learnt(left: Product):
    _, rows = left.build(build_sft, SftPolicy())
    assert [row["messages"][-1]["content"] for row in rows] == [WRITTEN]
