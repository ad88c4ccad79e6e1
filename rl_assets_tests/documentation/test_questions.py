"""Questions about documentation: what a prompt shows, what it never shows, and what is right."""

import json
import re

import pytest

from rl_assets.datasets.folder import publish_dataset
from rl_assets.documentation.expectations import MULTIMODAL_GRPO, MULTIMODAL_SFT
from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.publish import kept_pairs, publish_source, text_sections
from rl_assets.documentation.questions import MultimodalPolicy, build_multimodal, make_questions
from rl_assets.lake.delta import Lake
from rl_assets.rewards.image_answers import parse_answer
from rl_assets.rewards.images import score_answer
from rl_assets_tests.support.documentation_sites import guide, site

WORDS = "Every part has a number that is printed on its lower side in small letters, together with the year. "


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Questions about a site of 40 pages with an image each and 40 without."""
    home = tmp_path_factory.mktemp("home")
    plain = {f"plain/{i:02}.md": f"# Numbers {i}\n\n## Where number {i} stands\n\n{WORDS}" for i in range(40)}
    site(home / "docs" / "guide", {**guide(40), **plain})
    lake = Lake(str(home / "lake"))
    publish_source(lake, home / "docs", "guide", Limits(), "1GB")
    return lake, make_questions(kept_pairs(lake), text_sections(lake), MultimodalPolicy())


def test_every_candidate_is_a_question_or_has_a_reason(asked):
    lake, found = asked
    assert len(found.rows) + sum(found.dropped.values()) == len(kept_pairs(lake)) + len(text_sections(lake))
    assert sum(row["needs_image"] for row in found.rows) == 40


def test_no_prompt_holds_markup_and_every_catalogue_holds_the_right_image_and_distractors(asked):
    for row in asked[1].rows:
        prompt = "\n".join(message["content"] for message in row["prompt"])
        assert "![" not in prompt and "<img" not in prompt
        assert set(row["gold_images"]) <= set(row["catalogue"])
        assert len(row["catalogue"]) == len(set(row["catalogue"])) == 6
        assert len(set(row["catalogue"]) - set(row["gold_images"])) >= 5


def test_neither_the_place_nor_the_number_of_images_tells_the_right_one(asked):
    needing = [row for row in asked[1].rows if row["needs_image"]]
    places = [row["catalogue"].index(row["gold_images"][0]) for row in needing]
    assert len(set(places)) == 6 and max(places.count(place) for place in places) < len(needing) / 2
    assert len({len(row["catalogue"]) for row in asked[1].rows}) == 1


def test_three_in_ten_questions_need_no_image(asked):
    share = sum(not row["needs_image"] for row in asked[1].rows) / len(asked[1].rows)
    assert 0.3 <= share < 0.32


def test_right_answers_follow_the_contract_and_earn_most(asked):
    for row in asked[1].rows:
        answer = parse_answer(row["answer"])
        assert answer.valid and list(answer.images) == row["gold_images"]
        assert score_answer(row["answer"], row["gold_images"], row["catalogue"], row["gold_text"]).reward == 1
        rewards = [response["reward"] for response in row["responses"]]
        assert row["responses"][0]["text"] == row["answer"] and rewards[0] > max(rewards[1:])


def test_the_split_follows_the_page(asked, tmp_path):
    lake, _ = asked
    connection, built = build_multimodal(lake, "multimodal_sft_dataset", MultimodalPolicy(), "1GB")
    splits = connection.sql("SELECT max(n) FROM (SELECT count(DISTINCT split) n FROM rows GROUP BY metadata.page)")
    assert splits.fetchall() == [(1,)]
    assert built.selected == connection.sql("SELECT count(*) FROM rows").fetchall()[0][0]


@pytest.mark.parametrize(
    ("name", "suite"), [("multimodal_sft_dataset", MULTIMODAL_SFT), ("multimodal_grpo_dataset", MULTIMODAL_GRPO)]
)
def test_a_dataset_is_published_with_card_and_manifest_and_opens(asked, tmp_path, name, suite):
    import datasets

    lake, _ = asked
    hashes = set()
    for copy in ("a", "b"):
        connection, built = build_multimodal(lake, name, MultimodalPolicy(), "1GB")
        folder = tmp_path / copy / name / "2026-11-20"
        hashes.add(publish_dataset(connection, folder, built, MultimodalPolicy(), suite, {}).sha256)
    assert len(hashes) == 1
    opened = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    assert sum(split.num_rows for split in opened.values()) == built.selected
    assert not {"image", "images"} & set(opened["train"].column_names)
    assert json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["metrics"]["need_an_image"] == 40


def test_image_markup_in_the_documentation_never_reaches_a_prompt(tmp_path):
    text = "Write `![the menu](../img/{0}.png)` or `<img src=x.png>` to show a picture, which looks like this one here:"
    files = guide(8)
    for i in range(8):
        files[f"pages/{i:02}.md"] = f"# Markup {i}\n\n{text.format(i)}\n\n![A picture of it](../img/{i}.png)\n"
    site(tmp_path / "docs" / "guide", files)
    lake = Lake(str(tmp_path / "lake"))
    publish_source(lake, tmp_path / "docs", "guide", Limits(), "1GB")
    assert any("![the menu]" in pair["context"] for pair in kept_pairs(lake))
    rows = make_questions(kept_pairs(lake), text_sections(lake), MultimodalPolicy()).rows
    assert rows and not any(re.search(r"!\[|<img", message["content"]) for row in rows for message in row["prompt"])


def test_a_source_with_few_images_gives_no_questions(tmp_path):
    site(tmp_path / "docs" / "guide", guide(4))
    lake = Lake(str(tmp_path / "lake"))
    publish_source(lake, tmp_path / "docs", "guide", Limits(), "1GB")
    found = make_questions(kept_pairs(lake), text_sections(lake), MultimodalPolicy())
    assert found.rows == [] and found.dropped["too_few_distractors"] == 4


@pytest.mark.slow
def test_published_documentation_gives_questions_that_meet_every_expectation(published_data, tmp_path):
    (tmp_path / "docs").mkdir()
    lake = Lake(str(tmp_path / "lake"))
    for name in ("docs-mkdocs-material", "docs-prefect"):
        (tmp_path / "docs" / name).symlink_to(published_data / name / "tree")
        publish_source(lake, tmp_path / "docs", name, Limits(), "1GB")
    connection, built = build_multimodal(lake, "multimodal_sft_dataset", MultimodalPolicy(), "1GB")
    folder = tmp_path / "multimodal_sft_dataset" / "2026-11-20"
    published = publish_dataset(connection, folder, built, MultimodalPolicy(), MULTIMODAL_SFT, {})
    blocking = [finding for finding in published.findings if finding.expectation.blocking]
    assert all(finding.passed for finding in blocking) and built.metrics["need_an_image"] > 40
