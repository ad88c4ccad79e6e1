"""The example of a crew, whose framework is not installed here: a stand-in of it scores, and its lines land."""

import ast
import os
import subprocess
import sys
from pathlib import Path

from rl_assets.judging.personas import read_panel
from rl_assets.tables.records import FEEDBACK
from rl_assets_tests.support.logs import DAY, Product, interaction

EXAMPLES = Path(__file__).parents[2] / "examples"
# What the example uses of the framework; it fails unless telemetry and traces were switched off before its import.
STAND_IN = """
import os
from types import SimpleNamespace

assert os.environ["CREWAI_DISABLE_TELEMETRY"] == "true" and os.environ["CREWAI_TRACING_ENABLED"] == "false"
Agent = Task = SimpleNamespace


class Crew(SimpleNamespace):
    def kickoff(self, inputs):
        assert self.tracing is False
        self.tasks[0].description.format(**inputs)
        return SimpleNamespace(raw=" 4\\n")
"""


def test_the_example_of_a_panel_is_one(tmp_path):
    panel = read_panel(EXAMPLES / "panel.yaml")
    assert panel and len(panel.judges) == 3 and panel.dimensions == ("accuracy", "brand", "compliance")


def test_the_package_does_not_import_a_framework_of_agents():
    sources = [path.read_text(encoding="utf-8") for path in (EXAMPLES.parent / "rl_assets").rglob("*.py")]
    assert not any("import crewai" in source or "from crewai" in source for source in sources)


def test_the_scores_of_a_crew_land_as_synthetic_feedback(tmp_path):
    ast.parse((EXAMPLES / "crew.py").read_text(encoding="utf-8"))
    (tmp_path / "crewai.py").write_text(STAND_IN, encoding="utf-8")
    answers, home = tmp_path / "answers.jsonl", tmp_path / "home"
    answers.write_text('{"interaction_id": "a1", "question": "Where?", "answer": "There {is}."}\n', encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)}
    arguments = [sys.executable, str(EXAMPLES / "crew.py"), str(answers), str(home), str(DAY)]
    subprocess.run(arguments, check=True, env=environment)
    product = Product.at(home)
    product.log(interaction("a1"))
    product.ingest()
    (row,) = product.rows(FEEDBACK, DAY)
    assert (row["interaction_id"], row["source"], row["dimension"], row["value"]) == (
        "a1",
        "synthetic",
        "overall",
        0.75,
    )
    assert product.rated()["a1"]["reward_source"] == "synthetic"
