"""Whole splits as files for other tools: every row is written or counted, and the files alongside describe them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rl_assets.datasets.exports.forms import FORMS, forms_of
from rl_assets.datasets.exports.writing import export
from rl_assets_tests.support.dataset_tables import MAKERS, good_rows, message
from rl_assets_tests.support.published_rows import publish_rows


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    """A published dataset of each kind; one row in ten of the training split is a conversation with a system turn."""
    root = tmp_path_factory.mktemp("datasets")
    return {name: publish_rows(root, [*map(_conversation, good_rows(name, 200))], name).folder for name in MAKERS}


def _conversation(row: dict) -> dict:
    """The row with turns before its own, if its key says so; texts keep what could break a line."""
    if row["split"] != "train" or int(row["prompt_key"][0], 16) > 1:
        return row
    before = [message("system", "Be\u2028brief."), message("user", 'Who\'s "there"?'), message("assistant", "I.\n\n")]
    name = "messages" if "messages" in row else "prompt"
    return {**row, name: [*before, *row[name]]}


EXPORTS = [(dataset, form) for dataset in MAKERS for form in forms_of(dataset)]


def read(path: Path, layout: str) -> list[dict]:
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if layout == "array" else [json.loads(line) for line in text.split("\n")[:-1]]


@pytest.mark.parametrize(("dataset", "form"), EXPORTS)
def test_rows_in_are_rows_out_and_rows_dropped_for_a_reason(folders, tmp_path, dataset, form):
    out = tmp_path / "out.jsonl"
    exported = export(folders[dataset], form, "train", out)
    rows = read(out, FORMS[form].layout)
    published = json.loads((folders[dataset] / "manifest.json").read_text(encoding="utf-8"))["rows"]["train"]
    assert len(rows) == exported.written == published - sum(exported.dropped.values())
    assert set(exported.dropped) <= {"has several turns", "was not scored by a verifier"}
    assert rows
    assert len({tuple(row) for row in rows}) <= 1, "every row has the same columns in the same order"


@pytest.mark.parametrize(
    ("dataset", "form"), [(dataset, form) for dataset, form in EXPORTS if form in ("sharegpt", "alpaca", "orpo", "kto")]
)
def test_the_library_that_the_tools_load_files_with_opens_them(folders, tmp_path, dataset, form):
    out = tmp_path / "out.jsonl"
    written = export(folders[dataset], form, "train", out).written
    from datasets import load_dataset

    opened = load_dataset("json", data_files=str(out), split="train", cache_dir=str(tmp_path / "cache"))
    assert opened.to_list() == read(out, "lines") and len(opened) == written


def test_llamafactory_is_told_the_columns_of_each_file_of_a_folder(folders, tmp_path):
    for dataset in ("sft_dataset", "dpo_dataset", "kto_dataset"):
        for form in ("sharegpt", "alpaca"):
            export(folders[dataset], form, "train", tmp_path / f"{dataset}_{form}.jsonl")
    info = json.loads((tmp_path / "dataset_info.json").read_text(encoding="utf-8"))
    assert len(info) == 6
    for name, entry in info.items():
        assert entry["file_name"] == f"{name}.jsonl"
        assert entry.get("ranking", False) == name.startswith("dpo")
        columns = set(read(tmp_path / entry["file_name"], "lines")[0])
        assert set(entry["columns"].values()) == columns, name


def test_other_datasets_of_llamafactorys_folder_stay(folders, tmp_path):
    (tmp_path / "dataset_info.json").write_text('{"mine": {"file_name": "mine.json"}}', encoding="utf-8")
    export(folders["sft_dataset"], "alpaca", "train", tmp_path / "sft.jsonl")
    assert set(json.loads((tmp_path / "dataset_info.json").read_text(encoding="utf-8"))) == {"mine", "sft"}
    (tmp_path / "dataset_info.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ValueError, match=r"dataset_info\.json is not a list of datasets"):
        export(folders["sft_dataset"], "alpaca", "train", tmp_path / "sft.jsonl")


@pytest.mark.parametrize(
    ("dataset", "form", "training", "kind"),
    [
        ("sft_dataset", "sharegpt", {}, "chat_template"),
        ("dpo_dataset", "sharegpt", {"rl": "dpo"}, "chat_template.default"),
        ("dpo_dataset", "orpo", {"rl": "orpo"}, "chat_template.argilla"),
        ("kto_dataset", "kto", {"rl": "kto"}, "chatml.argilla"),
        ("reward_dataset", "bradley_terry", {"reward_model": True}, "bradley_terry.chat_template"),
    ],
)
def test_axolotl_has_a_configuration_of_the_file(folders, tmp_path, dataset, form, training, kind):
    out = tmp_path / "out.jsonl"
    (path,) = (path for path in export(folders[dataset], form, "train", out).alongside if path.suffix == ".yaml")
    configuration = yaml.safe_load(path.read_text(encoding="utf-8"))
    (described,) = configuration["datasets"]
    assert training.items() <= configuration.items()
    assert (described["path"], described["type"], described["ds_type"]) == (str(out), kind, "json")
    row = read(out, "lines")[0]
    named = {described[key] for key in ("field_messages",) if key in described}
    assert named <= set(row)


def _dates(folder: Path, dataset: str, answers: tuple[str, ...]) -> Path:
    """A published dataset in which answers are these, in turns."""
    rows = good_rows(dataset, 60)
    for place, row in enumerate(rows):
        text = answers[place % len(answers)]
        if "messages" in row:
            row["messages"] = [message("user", f"When was release {place}?"), message("assistant", text)]
        else:
            row["chosen"], row["rejected"] = [message("assistant", text)], [message("assistant", "Nobody knows it.")]
    return publish_rows(folder, rows, dataset).folder


@pytest.mark.parametrize(
    ("dataset", "form", "column"),
    [
        ("sft_dataset", "alpaca", "output"),
        ("sft_dataset", "instruction", "output"),
        ("sft_dataset", "prompt_completion", "completion.content"),
        ("dpo_dataset", "sharegpt", "chosen.value"),
    ],
)
def test_answers_that_tools_would_read_as_times_are_refused(tmp_path, dataset, form, column):
    folder, out = _dates(tmp_path / "d", dataset, ("2024-01-10", "2024-02-11 10:30")), tmp_path / "out.jsonl"
    with pytest.raises(ValueError, match=rf"every text of {column} is a date or a time.*train from .*train\.parquet"):
        export(folder, form, "train", out)
    assert not out.exists() and list(tmp_path.glob(".out*")) == []


def test_dates_among_other_texts_stay_texts(tmp_path):
    from datasets import load_dataset

    only_dates = _dates(tmp_path / "a", "sft_dataset", ("2024-01-10",))
    some_dates = _dates(tmp_path / "b", "sft_dataset", ("2024-01-10", "In 2024"))
    for folder, form in ((only_dates, "sharegpt"), (only_dates, "openai"), (some_dates, "alpaca")):
        out = tmp_path / f"{form}.jsonl"
        assert export(folder, form, "train", out).written
        opened = load_dataset("json", data_files=str(out), split="train", cache_dir=str(tmp_path / "cache"))
        assert form == "openai" or opened.to_list() == read(out, "lines")


def test_the_weights_of_good_and_bad_answers_reach_axolotl(tmp_path):
    weights = {"desirable_weight": 1.0, "undesirable_weight": 2.5}
    folder = publish_rows(tmp_path, good_rows("kto_dataset", 120), "kto_dataset", weights).folder
    (path,) = export(folder, "kto", "train", tmp_path / "out.jsonl").alongside
    configuration = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert (configuration["kto_desirable_weight"], configuration["kto_undesirable_weight"]) == (1.0, 2.5)


def test_a_form_is_for_its_datasets_only(folders, tmp_path):
    with pytest.raises(ValueError, match=r"holds dpo_dataset; the form kto needs kto_dataset, .* exported as"):
        export(folders["dpo_dataset"], "kto", "train", tmp_path / "out.jsonl")
    with pytest.raises(ValueError, match="holds no published dataset"):
        export(tmp_path, "instruction", "train", tmp_path / "out.jsonl")
    assert not list(tmp_path.iterdir())


def test_a_file_that_lost_rows_is_not_exported(folders, tmp_path):
    folder = publish_rows(tmp_path, good_rows("sft_dataset", 120)).folder
    (folder / "validation.parquet").replace(folder / "train.parquet")
    with pytest.raises(ValueError, match=r"train\.parquet does not hold the \d+ rows that its manifest names"):
        export(folder, "sharegpt", "train", tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_the_command_says_what_it_wrote_and_dropped(folders, tmp_path):
    out = tmp_path / "new" / "out.jsonl"
    command = [sys.executable, "-m", "rl_assets.datasets.exports", str(folders["sft_dataset"]), "--form", "alpaca"]
    done = subprocess.run([*command, "--out", str(out)], capture_output=True, text=True, check=True)
    written = len(read(out, "lines"))
    wrote, dropped, described = done.stdout.splitlines()
    assert wrote == f"{written} rows of train written to {out}"
    assert dropped.endswith(" rows dropped: each has several turns")
    assert described == f"{out.parent / 'dataset_info.json'} describes it"
