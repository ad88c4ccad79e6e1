"""How the steps of a run are executed, by one setting."""

import dagster as dg

# Imported once by the fork server instead of by each step; heavy libraries stay out, since torch does not fork well.
PRELOADED = [
    "rl_assets.defs.datasets",
    "dagster._core.storage.runs.sqlite",
    "sqlalchemy",
    "alembic",
    "duckdb",
    "polars",
]


def executor(kind: str) -> dg.ExecutorDefinition:
    """`multiprocess`: a process a step, forked from a warm server. `in_process`: one after another, for debugging."""
    if kind == "in_process":
        return dg.in_process_executor
    return dg.multiprocess_executor.configured({"start_method": {"forkserver": {"preload_modules": PRELOADED}}})
