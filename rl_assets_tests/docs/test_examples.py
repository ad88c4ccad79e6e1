"""Every example of a page is accepted by the code it is for, and queries run against a real lake."""

import json
import re
from pathlib import Path

import pytest

from rl_assets.evaluation.run.benchmarks import read_benchmarks
from rl_assets.ingest.landing import formats
from rl_assets.lake.delta import Lake
from rl_assets.recipes.recipe import recipe_file
from rl_assets.recipes.segments import read_segments
from rl_assets.rewards.weighing import read_weighing
from rl_assets.routing.config import read_router
from rl_assets.serving.config import read_serving
from rl_assets.tables.records import FEEDBACK, INGESTED_FILES
from rl_assets_tests.support.logs import Product, later
from rl_assets_tests.support.pages import DOCS, Block, blocks

DAY = later(50)
LOGS = [block for block in blocks("json") if "landing/" in block.title]
YAML = blocks("yaml")
QUERIES = blocks("python", (DOCS / "querying-the-lake.md",))


def format_of(block: Block) -> str:
    return re.search(r"landing/(\w+)/2026-11-20/", block.title)[1]


def test_every_log_format_has_an_example():
    assert sorted(format_of(block) for block in LOGS if block.page == DOCS / "log-formats.md") == formats()


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Product]:
    """Each page's examples in a product of their own, all in one day: a file is named by its place in `LOGS`."""
    products = {block.page: Product.at(tmp_path_factory.mktemp(block.page.stem)) for block in LOGS}
    for number, block in enumerate(LOGS):
        lines = block.text.splitlines()
        products[block.page].log(*lines, log_format=format_of(block), day=DAY, name=f"{number}.jsonl")
    for product in products.values():
        product.ingest(DAY)
    return products


@pytest.mark.parametrize("number", range(len(LOGS)), ids=[f"{block.page.name}-{format_of(block)}" for block in LOGS])
def test_every_example_of_a_log_is_ingested(landed: dict[Path, Product], number: int):
    block = LOGS[number]
    name = f"{format_of(block)}/2026-11-20/{number}.jsonl"
    (file,) = (row for row in landed[block.page].rows(INGESTED_FILES) if row["source_file"] == name)
    lines = len(block.text.splitlines())
    assert (file["lines"], file["rows"], file["rejects"]) == (lines, lines, 0)


def test_the_examples_hold_every_kind_of_feedback_of_every_format(landed: dict[Path, Product]):
    kinds = {}
    for row in landed[DOCS / "log-formats.md"].rows(FEEDBACK):
        kinds.setdefault(row["source_file"].split("/")[0], set()).add(row["kind"])
    assert kinds == {
        "interaction_log": {"rating", "comment"},
        "reward_log": {"reward"},
        "feedback_table": {"rating", "thumbs", "preference", "tie", "correction", "comment", "retraction"},
        "tensorzero": {"reward", "comment", "correction"},
        "langfuse": {"reward", "comment", "correction"},
        "openai_chat": {"rating", "thumbs", "reward", "comment", "correction"},
        "oasst_trees": kinds["oasst_trees"],
        "helicone": {"thumbs", "reward"},
        "sharegpt": {"thumbs", "preference"},
        "langsmith": {"reward", "comment", "correction"},
        "otel_genai": {"reward", "comment"},
        "dify": {"thumbs", "correction", "comment"},
        "open_webui": {"thumbs", "rating", "preference", "comment"},
        "argilla": {"thumbs", "rating", "preference", "correction", "comment"},
        "label_studio": {"thumbs", "rating", "preference", "correction", "comment"},
    }


def test_every_other_example_in_json_is_a_benchmark_of_the_users_own(home: Path):
    (block,) = (block for block in blocks("json") if block not in LOGS)
    (home / "eval").mkdir()
    (home / block.title).write_text(block.text, encoding="utf-8")
    (benchmark,) = read_benchmarks(home / "eval")
    assert len(benchmark.items) == len([json.loads(line) for line in block.text.splitlines()])


@pytest.mark.parametrize("block", YAML, ids=str)
def test_every_example_in_yaml_is_valid(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("recipe.yaml").write_text("preset: lora_0_5b\n", encoding="utf-8")
    Path(block.title).write_text(block.text, encoding="utf-8")
    if block.title == "recipe.yaml":
        assert recipe_file(Path(block.title)).name == "recipe"
    elif block.title == "segments.yaml":
        assert len(read_segments(Path(block.title))) > 1
    elif block.title == "serving.yaml":
        assert read_serving(Path(block.title)).endpoints
    elif block.title == "router.yaml":
        assert read_router(Path(block.title)).priors
    elif block.title == "rewards.yaml":
        assert read_weighing(Path(block.title)).floored == ("compliance",)
    else:
        assert block.title == "erase.yaml"  # Validated with the command that names it, in test_commands.py.


@pytest.fixture(scope="module")
def queried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `data/lake`: the examples of the log formats, ingested and rated."""
    folder = tmp_path_factory.mktemp("queried")
    product = Product(folder / "data" / "landing", Lake(str(folder / "data" / "lake")))
    for block in LOGS:
        product.log(*block.text.splitlines(), log_format=format_of(block), day=DAY, name=f"{block.page.stem}.jsonl")
    product.log("no JSON", day=DAY, name="damaged.jsonl")
    product.ingest(DAY)
    product.rated(DAY)
    return folder


@pytest.mark.slow  # Builds days for seconds.
@pytest.mark.parametrize("block", QUERIES, ids=str)
def test_every_query_runs_against_a_lake(
    block: Block, queried: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    program = compile(block.text, str(block), "exec")
    if block.title == "spark.py":
        return  # Spark is no dependency: its text is compiled only.
    monkeypatch.chdir(queried)
    exec(program, {"__name__": str(block)})
    shown = capsys.readouterr().out
    assert shown.strip() and "shape: (0," not in shown and "Empty" not in shown


def test_there_are_queries_in_polars_duckdb_pandas_and_spark():
    texts = " ".join(block.text for block in QUERIES)
    assert all(name in texts for name in ("import polars", "import duckdb", "to_pandas", "pyspark"))
