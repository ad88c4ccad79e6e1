"""The program that measures the lanes against random labels, on a small set in the form of a published one."""

import json
import random
import sys
from pathlib import Path

import pytest

from rl_assets_tests.benchmarks import active_learning


@pytest.mark.slow  # Fits some hundred heads.
def test_it_prints_curves_of_the_sets_that_are_there_and_says_which_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    draw = random.Random(0)
    rows = []
    for n in range(300):
        sizes = [draw.randrange(3, 60) for _ in range(2)]
        better = 1 if sizes[0] >= sizes[1] else 2
        texts = [" ".join(f"word{draw.randrange(500)}" for _ in range(size)) for size in sizes]
        votes = {f"annotator{k}": better for k in (1, 2, 3)}
        rows.append({"instruction": f"Task {n}", "input": "", "response1": texts[0], "response2": texts[1], **votes})
    folder = tmp_path / "pref-pandalm"
    folder.mkdir()
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["active_learning", "--source", str(tmp_path), "--seeds", "2"])
    active_learning.main()
    printed = capsys.readouterr().out
    assert f"pref-finegrained-qa: skipped, {tmp_path / 'pref-finegrained-qa'} does not exist" in printed
    assert "pref-pandalm: 300 pairs of 300 prompts, 2 seeds" in printed
    last = [line for line in printed.splitlines() if line.lstrip().startswith("160 labels")]
    # Longer wins here, which a head learns from few labels, whoever chooses them.
    assert len(last) == 1 and float(last[0].split("lanes")[1].split()[0]) > 0.9
