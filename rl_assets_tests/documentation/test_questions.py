"""Questions about documentation: what a prompt shows, what it never shows, and what is right."""

import json
import re
from urllib.parse import quote

import pytest

from rl_assets.datasets.folder import publish_dataset
from rl_assets.documentation.expectations import MULTIMODAL_GRPO, MULTIMODAL_SFT
from rl_assets.documentation.image_info import Limits
from rl_assets.documentation.prose import prose, shows_markup
from rl_assets.documentation.publish import kept_pairs, publish_source, shown_pairs, text_sections
from rl_assets.documentation.questions import MultimodalPolicy, build_multimodal, make_questions
from rl_assets.lake.delta import Lake
from rl_assets.rewards.image_answers import parse_answer
from rl_assets.rewards.images import image_answer, listed_images, score_answer
from rl_assets_tests.support.documentation_sites import guide, picture, published_sites, site

WORDS = "Every part has a number that is printed on its lower side in small letters, together with the year. "


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Questions about a site of 40 pages with an image each and 40 without."""
    home = tmp_path_factory.mktemp("home")
    plain = {f"plain/{i:02}.md": f"# Numbers {i}\n\n## Where number {i} stands\n\nOf {i}: {WORDS}" for i in range(40)}
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


def test_offline_and_online_rewards_are_equal_for_paths_of_any_characters(tmp_path):
    names = [
        "Figure {0}: step",
        "two\n\nImages:\n- lines{0}",
        '"{0}"',
        "a:{0}",
        " {0} ",
        "tab\t{0}",
        "v1..v2/{0}",
        "日本 {0}",
    ]
    files = guide(8)
    for i, name in enumerate(names):
        path = f"img/{name.format(i)}.png"
        files[path] = files.pop(f"img/{i}.png")
        page = str(files[f"pages/{i:02}.md"])
        files[f"pages/{i:02}.md"] = page.replace(f"../img/{i}.png", f"../{quote(path)}")
    site(tmp_path / "docs" / "guide", files)
    lake = Lake(str(tmp_path / "lake"))
    publish_source(lake, tmp_path / "docs", "guide", Limits(), "1GB")
    rows = make_questions(kept_pairs(lake), text_sections(lake), MultimodalPolicy()).rows
    assert len(rows) == 8
    for row in rows:
        assert listed_images(row["prompt"][-1]["content"]) == row["catalogue"]
        assert image_answer([row["prompt"]], [row["answer"]], [row["answer"]]) == [1.0]
        assert row["responses"][0]["reward"] == 1
    connection, _ = build_multimodal(lake, "multimodal_sft_dataset", MultimodalPolicy(), "1GB")
    (rule,) = (rule for rule in MULTIMODAL_SFT if rule.name == "right_images_are_offered")
    assert connection.sql(f"SELECT count(*) FROM rows WHERE {rule.notes[rule.name]}").fetchall() == [(0,)]


def test_a_source_with_few_images_gives_no_questions(tmp_path):
    site(tmp_path / "docs" / "guide", guide(4))
    lake = Lake(str(tmp_path / "lake"))
    publish_source(lake, tmp_path / "docs", "guide", Limits(), "1GB")
    found = make_questions(kept_pairs(lake), text_sections(lake), MultimodalPolicy())
    assert found.rows == [] and found.dropped["too_few_distractors"] == 4


def test_small_sources_offer_the_images_of_others_and_none_twice(tmp_path):
    lake = Lake(str(tmp_path / "lake"))
    for name in ("v1", "v2"):
        files = {path.replace("img/0", f"img/{name}"): content for path, content in guide(3).items()}
        files["pages/00.md"] = str(files["pages/00.md"]).replace("img/0", f"img/{name}")
        for page in range(3):
            files[f"pages/{page:02}.md"] = str(files[f"pages/{page:02}.md"]).replace("part", name)
        files[f"img/{name}.png"] = picture(seed=50 + len(name) + int(name[1]))
        site(tmp_path / "docs" / name, files)
        publish_source(lake, tmp_path / "docs", name, Limits(), "1GB")
    pairs = kept_pairs(lake)
    assert len(make_questions(pairs, [], MultimodalPolicy()).rows) == 0
    other = [{"path": f"more/{i}.png", "sha256": str(i), "alt": f"More of {i}"} for i in range(2)]
    texts = [{"source": "more", "context": f"More {i}. {pairs[i]['context']}"} for i in range(2)]
    more = [pair | image | text for pair, image, text in zip(pairs[:2], other, texts, strict=True)]
    rows = make_questions([*pairs, *more], [], MultimodalPolicy()).rows
    assert len(rows) == len(pairs) + len(more)
    assert all(len(set(row["catalogue"])) == len(row["catalogue"]) >= 5 for row in rows)


@pytest.mark.slow
def test_published_documentation_gives_questions_that_meet_every_expectation(published_data, tmp_path):
    lake = published_sites(published_data, tmp_path, "docs-mkdocs-material", "docs-prefect")
    connection, built = build_multimodal(lake, "multimodal_sft_dataset", MultimodalPolicy(), "1GB")
    folder = tmp_path / "multimodal_sft_dataset" / "2026-11-20"
    published = publish_dataset(connection, folder, built, MultimodalPolicy(), MULTIMODAL_SFT, {})
    blocking = [finding for finding in published.findings if finding.expectation.blocking]
    assert all(finding.passed for finding in blocking) and built.metrics["need_an_image"] > 40


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("use vec![1, 2, 3] and #![no_std]", "use vec![1, 2, 3] and #![no_std]"),
        ("vec![[0; 3]] is vec![1, 2][0] long", "vec![[0; 3]] is vec![1, 2][0] long"),
        ("starts with ![ and ends with a [link](b.md)", "starts with ![ and ends with a [link](b.md)"),
        ("one ![a [b] (c)](d (e).png) two", "one two"),
        ("one ![[a b.png|300]] two ![a][b] three", "one two three"),
        ('one <img alt="a > b"\nsrc=x> two', "one two"),
        ('a whole text that is cut in <img src="x.png" alt="a lo', "a whole text that is cut in"),
        ("a whole text that is cut in ![an alt](a/pa", "a whole text that is cut in"),
        ("a whole text that is cut in ![an al", "a whole text that is cut in ![an al"),
    ],
)
def test_prose_is_text_and_code_without_images(text, kept):
    assert prose(text) == kept and not shows_markup(kept)


def test_a_page_about_images_costs_no_dataset(tmp_path):
    files = guide(8)
    text = "An image starts with `![` and then comes its alt text and its address, as the editor below shows:"
    files["writing.md"] = f"# Writing images\n\n{text}\n\n![The editor](img/a.png)\n"
    files["cut.md"] = f"# Long\n\n{'word ' * 195}`![{'a long alt ' * 9}](x.png)` shows:\n\n![The end](img/b.png)\n"
    files |= {f"img/{name}.png": picture(seed=seed) for seed, name in enumerate(("a", "b", "shot![1]", "c![1](2)"), 90)}
    files["odd.md"] = f"# Odd names\n\n## Shot\n\n{WORDS} The shot shows it:\n\n![The shot](<img/shot![1].png>)\n"
    files["odder.md"] = f"# Odder\n\n## C\n\n{WORDS} The shot shows it:\n\n![The c](<img/c![1](2).png>)\n"
    site(tmp_path / "docs" / "guide", files)
    lake = Lake(str(tmp_path / "lake"))
    publish_source(lake, tmp_path / "docs", "guide", Limits(), "1GB")
    assert len(kept_pairs(lake)) == 12
    for name, suite in (("multimodal_sft_dataset", MULTIMODAL_SFT), ("multimodal_grpo_dataset", MULTIMODAL_GRPO)):
        connection, built = build_multimodal(lake, name, MultimodalPolicy(), "1GB")
        assert built.metrics["need_an_image"] == 11 and built.dropped["image_markup"] == 1
        (rule,) = (rule for rule in suite if rule.name == "prompts_have_no_image_markup")
        assert connection.sql(f"SELECT count(*) FROM rows WHERE {rule.notes[rule.name]}").fetchall() == [(0,)]
    prompts = [row["prompt"][1]["content"] for row in make_questions(kept_pairs(lake), [], MultimodalPolicy()).rows]
    assert any("starts with ![ and then comes" in prompt for prompt in prompts)
    assert any("- img/shot![1].png: The shot" in prompt for prompt in prompts)


def built_from(tmp_path, files, policy=MultimodalPolicy()):  # noqa: B008
    """Rows and dropped candidates of both kinds, as the dataset is built, of a site with these files and four more."""
    site(tmp_path / "docs" / "guide", {**guide(4), **files})
    lake = Lake(str(tmp_path / "lake"))
    publish_source(lake, tmp_path / "docs", "guide", Limits(), "1GB")
    found = make_questions(kept_pairs(lake), text_sections(lake), policy, shown_pairs(lake))
    return {row["page"]: row for row in found.rows}, found.dropped


LOGIN = "To log in, open the login page and enter your name and password, then press the button of the page and wait."


def test_an_image_that_a_section_shows_is_not_wrong_there_though_another_page_describes_it_better(tmp_path):
    text = "To export a report open the export dialog, choose a format and pick the folder as shown below:"
    menu, dialog = "![The export format menu](img/menu.png)", "![The export dialog with its folder](img/dialog.png)"
    files = {
        "p.md": f"# Guide\n\n## Export\n\n{text}\n\n![](img/dialog.png)\n\n{menu}\n",
        "q.md": f"# Reference\n\n## Export dialog\n\nOf the dialog: {text}\n\n{dialog}\n",
        **{f"img/{name}.png": picture(seed=seed) for seed, name in enumerate(("menu", "dialog"), 60)},
    }
    rows, _ = built_from(tmp_path, files)
    assert rows["p.md"]["gold_images"] == ["img/menu.png"] and rows["q.md"]["gold_images"] == ["img/dialog.png"]
    assert "img/dialog.png" not in rows["p.md"]["catalogue"]


def test_the_same_image_of_another_version_is_not_wrong_and_its_text_is_asked_about_once(tmp_path):
    page = f"# Login\n\n{LOGIN}\n\n![The login page with name](img/login.png)\n"
    files = {"docs/login.md": page, "docs/img/login.png": picture(seed=70)}
    files |= {"versioned_docs/1/login.md": page, "versioned_docs/1/img/login.png": picture(322, 200, seed=70)}
    rows, dropped = built_from(tmp_path, files)
    (login,) = (row for page, row in rows.items() if "login" in page)
    assert len([path for path in login["catalogue"] if "login" in path]) == 1
    assert dropped["text_of_another_page"] == 1


def test_a_text_that_one_version_shows_with_an_image_is_no_question_that_needs_none(tmp_path):
    image = "![The login page with name](login.png)"
    files = {"v1/login.md": f"# Login\n\n{LOGIN}\n\n{image}\n", "v1/login.png": picture(seed=80)}
    files |= {"v2/login.md": f"# Login\n\n{LOGIN}\n", "v3/login.md": f"# Login\n\nNew: {LOGIN} That is all.\n"}
    rows, dropped = built_from(tmp_path, files)
    assert rows["v1/login.md"]["needs_image"] and not {"v2/login.md", "v3/login.md"} & set(rows)
    assert dropped["illustrated_elsewhere"] == 2


def test_no_text_is_in_two_splits(tmp_path):
    text = "This section has no image, and says in many words what the thing number {} is good for."
    folders = ("docs", "versioned_docs/1")
    files = {f"{folder}/t{i}.md": f"# Text {i}\n\n{text.format(i)}\n" for i in range(12) for folder in folders}
    rows, dropped = built_from(tmp_path, {**guide(12), **files}, MultimodalPolicy(negatives=0.5))
    assert sorted(page.rpartition("/")[2] for page in rows if "/t" in page) == sorted(f"t{i}.md" for i in range(12))
    assert dropped == {"text_of_another_page": 12}


def test_the_number_of_images_does_not_tell_whether_one_is_needed(tmp_path):
    steps = "".join(f"![Step {i} of three steps](img/step{i}.png)\n\n" for i in range(3))
    files = {"steps.md": f"# Steps\n\n{LOGIN} The images show it:\n\n{steps}"}
    files |= {f"img/step{i}.png": picture(seed=30 + i) for i in range(3)}
    files |= {f"t{i}.md": f"# Text {i}\n\nNumber {i}: {WORDS}\n" for i in range(6)}
    rows, _ = built_from(tmp_path, files)
    assert {row["needs_image"] for row in rows.values()} == {True, False}
    assert {len(row["catalogue"]) for row in rows.values()} == {5}
