"""Training scripts, run by a Python that cannot see this project."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any


def run_script(source: str, folder: Path) -> float:
    """Run the script outside the project; the largest difference from the recorded loss curve that it prints."""
    script = folder / "train.py"
    script.write_text(source, encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-I", script.name, "out"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-2000:]
    printed = re.search(r"loss curve: (\S+) over (\d+) steps", result.stdout)
    assert printed is not None, result.stdout
    return float(printed[1])


def answers_that_fit(source: str, answers: list[str]) -> list[str]:
    """The answers whose rows a script would train on: its own definitions, without its libraries and its training."""
    defined = (ast.FunctionDef, ast.Assign)
    needed = {"RANGES", "RE2_CLASS", "RE2_THOUGHTS", "_CLASS", "_THOUGHTS", "_THOUGHT_TAGS", "_VISIBLE", "_OUTER"}
    needed |= {"is_blank", "is_empty_answer", "stripped", "fits"}
    body = [node for node in ast.parse(source).body if isinstance(node, defined) and _name(node) in needed]
    scope: dict[str, Any] = {"re": re, "GIVEN": {"max_length": 99}, "tokens": lambda messages: messages}
    scope |= {"tokenizer": None, "row_fault": lambda *row: None}
    exec(compile(ast.Module([ast.parse("from __future__ import annotations").body[0], *body], []), "", "exec"), scope)
    rows = [{"prompt": [], "completion": [{"role": "assistant", "content": answer}]} for answer in answers]
    return [row["completion"][0]["content"] for row in rows if scope["fits"](row)]


def _name(node: ast.FunctionDef | ast.Assign) -> str:
    return node.name if isinstance(node, ast.FunctionDef) else ast.unparse(node.targets[0])
