import json
from pathlib import Path

import pytest

from rl_assets.evaluation.run.benchmarks import read_benchmarks
from rl_assets.evaluation.run.inputs import contaminated_benchmarks
from rl_assets_tests.support.evaluation_folders import dataset, dpo_row, sft_row


def write(folder: Path, *lines: object, name: str = "own") -> Path:
    folder.mkdir(exist_ok=True)
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return folder


def test_without_a_folder_there_are_no_benchmarks(tmp_path: Path):
    assert read_benchmarks(tmp_path / "eval") == []


def test_prompts_conversations_and_verifiers_are_read(tmp_path: Path):
    folder = write(
        tmp_path / "eval",
        {"prompt": "2 + 2?", "reference": "4", "verifier": "numeric", "category": "sums"},
        "",
        {
            "messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hi"}],
            "references": ["b", "a"],
        },
        {"prompt": "JSON", "verifier": "json_schema", "schema": {"type": "object"}, "cluster": "one"},
        {"prompt": "Work it out.", "reference": "half of 36\n#### 18"},
    )
    (benchmark,) = read_benchmarks(folder)
    assert (benchmark.name, len(benchmark.items)) == ("own", 4)
    first, second, third, fourth = benchmark.items
    assert (first.references, first.verifier, first.category, first.segment) == (("4",), "numeric", "sums", "own")
    assert [turn["role"] for turn in second.prompt] == ["system", "user"] and second.references == ("a", "b")
    assert (third.references, third.schema, third.cluster) == ((), {"type": "object"}, "one")
    assert fourth.verifier == "numeric"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "is not JSON"),
        ("[1]", r"the line is \[1\]: use a mapping"),
        ({"prompt": "a"}, '"reference" or "references" is needed'),
        ({"reference": "a"}, 'either "prompt" or "messages" is needed'),
        ({"prompt": "a", "messages": [{"role": "user", "content": "a"}], "reference": "b"}, "either"),
        ({"messages": [{"role": "assistant", "content": "a"}], "reference": "b"}, "must end with the user"),
        ({"messages": [], "reference": "b"}, "must end with the user"),
        ({"messages": [{"role": "robot", "content": "a"}], "reference": "b"}, r"messages\.0\.role"),
        ({"prompt": "  ", "reference": "b"}, "prompt"),
        ({"prompt": "a", "reference": 3}, "reference"),
        ({"prompt": "a", "reference": "b", "refrence": "c"}, "refrence"),
        ({"prompt": "a", "verifier": "json_schema"}, "go together"),
        ({"prompt": "a", "verifier": "json_schema", "schema": {"type": "whole"}}, "the JSON schema is invalid"),
        ({"prompt": "a", "reference": "b", "verifier": "python"}, "verifier"),
    ],
)
def test_a_bad_line_is_an_error_that_names_file_and_line(tmp_path: Path, line: object, said: str):
    with pytest.raises(ValueError, match=rf"own\.jsonl, line 2.*{said}"):
        read_benchmarks(write(tmp_path / "eval", {"prompt": "a", "reference": "b"}, line))


def test_a_benchmark_prompt_in_a_training_split_leaks_however_it_is_spelt(tmp_path: Path):
    sft = dataset(tmp_path / "sft_dataset", train=[sft_row("t", "Which COLOUR has the rotor", "red")])
    dpo = dataset(tmp_path / "dpo_dataset", validation=[dpo_row("p", "How much is it?", "one", "two")])
    lines = [
        {"prompt": f, "reference": "r"} for f in ("which colour has  the rotor?", "How much is it", "What is new?")
    ]
    benchmarks = read_benchmarks(write(tmp_path / "eval", *lines, name="parts"))
    leaked = contaminated_benchmarks(benchmarks, (sft, dpo))
    assert len(leaked) == 2 and all(found.startswith("parts: ") for found in leaked)
    assert contaminated_benchmarks([], (sft, dpo)) == []
