import base64
import json
import re
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest

from rl_assets.evaluation.online.conversations import Conversation
from rl_assets.evaluation.online.served import Served, served_result
from rl_assets.evaluation.promotion.decide import decide
from rl_assets.evaluation.promotion.rules import PromotionRules
from rl_assets.evaluation.report.files import read_report, write_decision, write_report
from rl_assets.evaluation.report.inline_plots import small_forest, sparkline
from rl_assets.evaluation.report.plots import forest, losses, metric_by_model
from rl_assets.evaluation.schema.decision import Decision
from rl_assets.evaluation.schema.report import BenchmarkResult, EvalReport, JudgeResult, Production, RewardBin, Slice
from rl_assets_tests.support.evaluation_samples import (
    SHOWN,
    comparison,
    held_out,
    html_page,
    markdown_page,
    primary,
    report,
    span,
    training_run,
    verdicts,
)
from rl_assets_tests.support.hostile_answers import ATTACK, Tags, attacked


def test_the_page_holds_its_figures_and_follows_the_readers_theme():
    page = html_page(report())
    assert Tags(page).tags.count("svg") == 3
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page


def test_a_written_report_is_read_back_equal_and_replaces_the_old_one(tmp_path: Path):
    folder = tmp_path / "reports" / "2026-10-14"
    write_report(report(notes=["old"]), folder)
    write_report(attacked(), folder)
    names = ["report.html", "report.json", "report.md", "report.schema.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert read_report(folder) == attacked()
    assert [path.name for path in folder.parent.iterdir()] == ["2026-10-14"]


def test_a_report_that_was_never_written_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="materialize eval_report"):
        read_report(tmp_path)


def test_a_report_of_another_version_says_what_to_do(tmp_path: Path):
    write_report(report(), tmp_path)
    older = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    del older["prices"]
    (tmp_path / "report.json").write_text(json.dumps(older), encoding="utf-8")
    with pytest.raises(ValueError, match=r"not a report of this version: prices is missing.*eval_report"):
        read_report(tmp_path)


def test_figures_are_the_same_bytes_every_time_and_well_formed():
    for draw in (metric_by_model, forest, lambda found: losses(found.training)):
        first = draw(report())
        assert first is not None
        assert first == draw(report())
        ElementTree.fromstring(first)


def test_nothing_to_draw_is_no_figure():
    empty = report(comparisons={}, training=[training_run(loss_curve=[])])
    assert forest(empty) is None
    assert losses(empty.training) is None
    assert metric_by_model(report(primary=primary(metric="field_f1"))) is None
    assert small_forest(empty) == ""
    assert sparkline([]) == ""


def decoded(markdown: str) -> str:
    found = re.fullmatch(r"!\[[^\]]*\]\(data:image/svg\+xml;base64,([^)]*)\)", markdown)
    assert found is not None
    return base64.b64decode(found[1]).decode("utf-8")


def test_inline_figures_fit_under_the_uis_limit():
    compared = {
        f"candidate-{role}": comparison(role, exact_match=span(0.3, -0.2, 0.8))
        for role in ("base", "parent", "champion")
    }
    for image in (small_forest(report(comparisons=compared)), sparkline([1 / (i + 1) for i in range(500)])):
        assert len(image) < 950
        ElementTree.fromstring(decoded(image))


def test_a_flat_curve_can_be_drawn():
    assert "polyline" in decoded(sparkline([2.0, 2.0]))
    assert "polyline" in decoded(sparkline([2.0]))


def test_a_report_without_items_is_still_a_page():
    empty = report(
        comparisons={"candidate-base": comparison("base")},
        held_out=held_out(items=0, clusters=0, worst_answers=[]),
        latency_ratio=None,
    )
    models = {role: model.model_copy(update={"metrics": {}, "latency": None}) for role, model in empty.models.items()}
    page = html_page(empty.model_copy(update={"models": models}))
    assert "There was no held-out item to evaluate on." in page


def complete(**changes) -> EvalReport:
    """A report with every section, whose names are attacks."""
    difference = span(0.3, 0.2, 0.4)
    slices = [
        Slice(
            dimension="category",
            value=value,
            candidate=difference,
            difference=difference,
            p_holm=p,
            verdict="better",
        )
        for value, p in ((ATTACK, 0.0004), ("$x^2$ | `y`", None))
    ]
    benchmark = BenchmarkResult(
        name=ATTACK,
        sha256="a" * 64,
        items=9,
        too_long=1,
        metrics={"base": {"exact_match": difference}, "candidate": {"exact_match": difference}},
        against="base",
        differences={"exact_match": difference},
    )
    rewards = [RewardBin(source=source, low=low, answers=7) for source in ("human", "judge") for low in (0.0, 0.3, 0.9)]
    preferences = verdicts(ours="preferred", theirs="rejected", failures={"APITimeoutError": 2})
    content = {
        "held_out": held_out(slices=slices),
        "benchmarks": [benchmark],
        "judge": JudgeResult(pairwise=verdicts(model=ATTACK), preferences=preferences),
        "production": Production(rewards=rewards),
        "training": [training_run(kind="dpo", wall_s=12.5, tokens=1234, peak_memory_bytes=750_000_000)],
    }
    return report(**(content | changes))


def test_names_in_slices_benchmarks_and_judges_stay_text():
    page = html_page(complete())
    assert "script" not in Tags(page).tags and "img" not in Tags(page).tags
    outside = re.sub(r"(?ms)^(`{3,})text\n.*?^\1$", "", markdown_page(complete()))
    assert not re.search(r"(?<!\\)<", outside)


def test_every_section_is_on_the_page_with_its_figure():
    page = html_page(complete())
    for words in (
        "Slices",
        "Judge",
        "Benchmark",
        "Lineage",
        "Peak memory, MB",
        "2 x APITimeoutError",
        "&lt; 0.001",
    ):
        assert words in page, words
    assert Tags(page).tags.count("svg") == 6
    assert "9 items, 1 more were too long" in page
    for svg in re.findall(r"<svg.*?</svg>", page, flags=re.S):
        ElementTree.fromstring(svg)


def test_what_users_made_of_two_served_models_is_a_table_and_a_figure():
    arms = {"assistant@product--dpo-aaaaaaaaaaaa": 0.5, "assistant@base": 0.5}
    conversations = tuple(
        Conversation(
            f"c{n}",
            date(2026, 10, 14),
            "prose",
            arm,
            arms,
            reward=float(n % 5 > 1 or arm != "assistant@base"),
            failed=n < 4,
        )
        for n, arm in enumerate([*arms] * 40)
    )
    served = served_result(Served("product--dpo-aaaaaaaaaaaa", "base", conversations))
    assert served is not None and "What users say" not in html_page(report())
    page, text = html_page(report(served=served)), markdown_page(report(served=served))
    assert page.count("<svg") == html_page(report()).count("<svg") + 1 and "Users of two served models" in page
    assert r"| With a failed answer | 2 \(5.0%\) | 2 \(5.0%\) | +0.000" in text
    assert f"| Mean reward | 1.000 | 0.600 | {served.gain.mean:+.3f}" in text


def test_an_unreliable_judge_is_named_with_the_reason():
    page = html_page(complete(judge=JudgeResult(pairwise=verdicts(problems=["It contradicts itself."]))))
    assert "The verdicts of tiny-judge on candidate and base are not used. It contradicts itself." in page


def test_the_decision_stands_on_top_once_it_is_made_and_goes_with_a_new_report(tmp_path: Path):
    decision = decide(report(), None, PromotionRules(), SHOWN)
    write_report(report(), tmp_path)
    assert "PROMOTE" not in (tmp_path / "report.md").read_text(encoding="utf-8")
    write_decision(report(), decision, tmp_path)
    for name in ("report.md", "report.html"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "PROMOTE" in text and "Exact match against the base" in text
    assert Decision.model_validate_json((tmp_path / "decision.json").read_bytes()) == decision
    write_report(report(), tmp_path)
    assert not (tmp_path / "decision.json").exists()


def test_what_to_provide_stands_once_on_the_page_with_its_decision_and_without():
    undecided = report(primary=primary(metric=None, strength=None))
    decision = decide(undecided, None, PromotionRules(), SHOWN)
    said = "No metric can decide on these answers."
    assert decision.verdict == "INSUFFICIENT"
    assert (html_page(undecided).count(said), html_page(undecided, decision).count(said)) == (1, 1)


def test_a_new_report_leaves_what_others_put_next_to_it(tmp_path: Path):
    (tmp_path / "ab").mkdir()
    write_report(report(), tmp_path)
    write_report(report(), tmp_path)
    assert (tmp_path / "ab").is_dir()
