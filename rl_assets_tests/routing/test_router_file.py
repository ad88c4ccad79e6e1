"""The router file as a deployment writes it, and what is refused of it."""

from pathlib import Path

import pytest

from rl_assets.routing.config import read_router


def read(folder: Path, text: str):
    path = folder / "router.yaml"
    path.write_text(text, encoding="utf-8")
    return read_router(path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("priors: {facts/desk: [3, 3.4]}", r"priors\.facts/desk is \[3\.0, 3\.4\].*sum of 3 rewards"),
        ("priors: {facts/desk: [0, 0]}", r"facts/desk.*a number of answers above 0"),
        ("priors: {facts/desk: [-1, 0]}", r"facts/desk.*a number of answers above 0"),
        ("priors: {facts/desk: [.nan, 1]}", "facts/desk"),
        ("priors: {facts/desk: [3, .nan]}", "facts/desk"),
        ("priors: {facts/desk: [.inf, 1]}", "facts/desk"),
        ("priors: {facts/desk: [3, -0.1]}", r"facts/desk"),
        ("priors: {desk: [3, 1]}", "write category/arm"),
        ("default_prior: [1, 2]", "default_prior"),
        ("arms: [desk]\ndisabled: [desk]", "desk stands in `arms` and in `disabled`"),
        ("floor: 1", "floor"),
        ("strategy: softmax", "strategy"),
        ("flor: 0.1", "flor"),
        ("priors: [", "not valid YAML"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        read(tmp_path, line)
    assert "router.yaml" in str(refused.value)


def test_the_most_precise_prior_counts(tmp_path: Path) -> None:
    text = "{facts/desk@a: [1, 1], facts/desk: [2, 1], '*/desk': [3, 1], facts/*: [4, 1], '*/*': [5, 1]}"
    router = read(tmp_path, f"priors: {text}")
    cells = [("facts", "desk@a"), ("facts", "desk@b"), ("poems", "desk@a"), ("facts", "solo"), ("poems", "solo")]
    assert [router.prior(*place)[0] for place in cells] == [1, 2, 3, 4, 5]


def test_an_empty_file_is_no_choice_and_a_missing_one_is_told(tmp_path: Path) -> None:
    assert read(tmp_path, "") == read_router(None)
    with pytest.raises(FileNotFoundError, match="which is no file"):
        read_router(tmp_path / "nothing.yaml")
