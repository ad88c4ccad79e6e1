"""The self-analysis as an operator materializes it: planted weak and strong cells, small ones, and what is private."""

import random
from pathlib import Path

import dagster as dg
import pytest

from rl_assets.defs.rewards.self_analysis import self_analysis
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.self_analysis.analysis import Cell, SelfAnalysis
from rl_assets.settings import Settings
from rl_assets_tests.support.logs import DAY, Product, Row, about, interaction, reward
from rl_assets_tests.support.queued_products import word
from rl_assets_tests.support.rated_days import check, metadata, rate


def answered(name: str, agent: str, category: str, number: int, **fields: object) -> Row:
    """An answer to a question of its own."""
    query = f"{word(number, 'a')} {word(number, 'b')} {word(number, 'c')}?"
    return interaction(
        name, query=query, answer=f"It is {word(number, 'd')}.", agent_type=agent, category=category, **fields
    )


def rated(cells: dict[tuple[str, str], list[float]]) -> tuple[list[Row], list[Row]]:
    """Answers and human rewards of cells, each answer to a question of its own."""
    answers, rewards = list[Row](), list[Row]()
    for (agent, category), values in cells.items():
        for value in values:
            name = f"a{len(answers)}"
            answers.append(answered(name, agent, category, len(answers)))
            rewards.append(reward(name, value, source="human"))
    return answers, rewards


def analysis(product: Product, instance: dg.DagsterInstance) -> tuple[SelfAnalysis, Path, dg.ExecuteInProcessResult]:
    """Rate the day and materialize the report: its values, its folder and the run."""
    assert rate(product, instance).success
    home = HomeResource.from_settings(Settings(home=product.landing.parent))
    result = dg.materialize([self_analysis], instance=instance, resources={"home": home}, partition_key=str(DAY))
    folder = product.landing.parent / "reports" / str(DAY) / "self_analysis"
    return SelfAnalysis.model_validate_json((folder / "self_analysis.json").read_bytes()), folder, result


def cell(found: SelfAnalysis, agent: str, category: str) -> Cell | None:
    return next((cell for cell in found.cells if (cell.agent, cell.category) == (agent, category)), None)


@pytest.mark.slow  # Materializes four assets.
def test_a_planted_weak_cell_is_named_and_two_answers_are_no_cell(
    product: Product, instance: dg.DagsterInstance
) -> None:
    answers, rewards = rated(
        {
            ("desk", "billing"): [0.2, 0.1, 0.3, 0.2, 0.2],
            ("desk", "returns"): [0.0, 0.1],
            ("bot", "billing"): [0.9, 0.95, 1.0, 0.9, 0.9, 0.95, 1.0, 0.9],
            # Its mean is below 0.4, and its interval is not.
            ("bot", "returns"): [0.0, 1.0, 0.0, 0.0, 0.5],
        }
    )
    product.log(*answers)
    product.log(*rewards, log_format="reward_log")
    found, folder, result = analysis(product, instance)
    weak, strong, unsure = cell(found, "desk", "billing"), cell(found, "bot", "billing"), cell(found, "bot", "returns")
    assert weak is not None and weak.standing == "weak" and weak.mean.mean == pytest.approx(0.2) and weak.mean.n == 5
    assert strong is not None and strong.standing == "strong"
    assert unsure is not None and unsure.mean.mean < 0.4 and unsure.standing == "between"
    assert cell(found, "desk", "returns") is None and found.hidden_cells == 1
    assert [(gap.better, gap.worse, gap.category) for gap in found.gaps] == [("bot", "desk", "billing")]
    page = (folder / "self_analysis.md").read_text(encoding="utf-8")
    assert "desk is weak in billing: 0.20" in page and "agents were asked other questions" in page
    assert check(result, "enough_answers_are_rated").passed
    assert metadata(result, "self_analysis")["weak"] == 1


@pytest.mark.slow  # Materializes four assets.
def test_nine_ratings_are_too_few_and_the_page_says_what_to_do(product: Product, instance: dg.DagsterInstance) -> None:
    answers, rewards = rated({("desk", "billing"): [0.2] * 9})
    product.log(*answers)
    product.log(*rewards, log_format="reward_log")
    found, folder, result = analysis(product, instance)
    state = check(result, "enough_answers_are_rated")
    assert found.cells == [] and not state.passed and state.severity is dg.AssetCheckSeverity.WARN
    assert "9 rated answers, and 10 are needed" in str(state.description)
    assert "9 rated answers" in (folder / "self_analysis.html").read_text(encoding="utf-8")


@pytest.mark.slow  # Materializes four assets.
def test_complaints_are_named_by_words_of_several_people_and_never_by_personal_data(
    product: Product, instance: dg.DagsterInstance
) -> None:
    product.log(*(answered(f"a{n}", "desk", "billing", n) for n in range(60)))
    events = []
    for n in range(60):
        kind, comment = ("thumbs_up", "perfect and quick, thanks") if n % 2 else ("thumbs_down", "the link is outdated")
        events.append(about(f"a{n}", f"f{n}", kind, comment=comment, user_id=f"user{n}"))
    events[0]["comment"] = "outdated, write to mary.miller@example.com or xylophoneman"
    product.log(*events, log_format="feedback_table")
    found, folder, _ = analysis(product, instance)
    assert {"outdated", "link"} <= {word.word for word in found.words}
    text = "".join((folder / f"self_analysis.{kind}").read_text(encoding="utf-8") for kind in ("md", "html", "json"))
    assert "miller" not in text and "example" not in text and "xylophoneman" not in text


@pytest.mark.slow  # Materializes four assets.
def test_names_from_a_log_are_no_markup_and_the_same_log_gives_the_same_bytes(
    product: Product, instance: dg.DagsterInstance
) -> None:
    draw = random.Random(0)
    answers, rewards = rated(
        {(agent, "<b>x</b>|y"): [draw.random() for _ in range(8)] for agent in ("<script>alert(1)</script>", "bot")}
    )
    product.log(*answers)
    product.log(*rewards, log_format="reward_log")
    _, folder, _ = analysis(product, instance)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert b"<script>alert" not in first["self_analysis.html"] and b"<b>x" not in first["self_analysis.md"]
    _, folder, _ = analysis(product, instance)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first
