"""Nights of reports without a model: adapters that are files, and pairs of answers of which people label some."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from rl_assets.definitions import build_defs
from rl_assets.defs.annotation.judge import JudgeResource
from rl_assets.defs.evaluation.decisions import LABELS_NAME_SHOWN_PAIRS
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.evaluation.report.files import write_report
from rl_assets.evaluation.run.differences import write_differences
from rl_assets.evaluation.run.pairs import AnsweredPair, write_pairs
from rl_assets.evaluation.schema.evidence import ClusterDifference
from rl_assets.evaluation.schema.primary import Primary
from rl_assets.models.adapters import WEIGHTS, Adapter, publish
from rl_assets.settings import Settings
from rl_assets_tests.support.adapter_samples import sample_manifest
from rl_assets_tests.support.evaluation_samples import DAY, primary, report

BASE = "b" * 64
INGESTION = ("interactions", "feedback", "rejected_records", "ingested_files")


def free_form(**changes: Any) -> Primary:
    """No metric can decide."""
    return primary(**({"metric": None, "strength": None, "against": BASE, "why": "no metric qualifies"} | changes))


def answers(count: int, night: str, judged: list[float] | None = None) -> list[AnsweredPair]:
    """Pairs of a night; ours says that it is good."""
    return [
        AnsweredPair(
            cluster=f"{night}-{n}",
            prompt_key=f"{night}-{n}",
            prompt=({"role": "user", "content": f"Question {n} of {night}?"},),
            ours=f"A good answer to {n}.",
            theirs=f"A bad answer to {n}." if n % 2 else f"A very bad, much longer answer to {n}.",
            judged=judged[n] if judged else None,
        )
        for n in range(count)
    ]


class Reviewed:
    """A home with one DPO adapter, whose nights are written by hand and decided through Dagster."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(home=home)
        self.paths = self.settings.paths
        folder = self.paths.adapters() / "dpo" / "abc"
        folder.mkdir(parents=True)
        (folder / WEIGHTS).write_bytes(b"weights")
        self.adapter: Adapter = publish(folder, sample_manifest(kind="dpo", base={"name": "tiny", "sha256": BASE}))

    def night(
        self,
        day: str,
        pairs: list[AnsweredPair],
        chosen: Primary,
        differences: list[ClusterDifference] | None = None,
        **changes: Any,
    ) -> None:
        """What `eval_report` would leave of the day."""
        found = report(day=day, primary=chosen, **changes)
        own = {"base": BASE, "candidate": self.adapter.sha256}
        models = {role: model.model_copy(update={"sha256": own[role]}) for role, model in found.models.items()}
        folder = self.paths.reports(day)
        write_report(found.model_copy(update={"models": models, "latency_ratio": None}), folder)
        write_pairs(pairs, folder)
        write_differences({"candidate": differences or []}, folder)

    def run(self, day: str, *assets: str, tags: dict[str, str] | None = None, **ops: Any) -> dg.ExecuteInProcessResult:
        """Materialize these assets of the day; `ops` are their configurations."""
        resources = {
            "home": HomeResource.from_settings(self.settings),
            "judge": JudgeResource(base_url=None, model=None),
        }
        defs = build_defs(resources=resources, executor=dg.in_process_executor)
        return defs.resolve_job_def("full_job").execute_in_process(
            partition_key=day,
            asset_selection=[dg.AssetKey(asset) for asset in assets],
            run_config={"ops": {name: {"config": config} for name, config in ops.items()}},
            tags=tags,
            raise_on_error=False,
        )

    def queue(self, day: str) -> list[dict[str, Any]]:
        """The lines that people are given."""
        text = (self.paths.reports(day) / "review_queue.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def land(self, day: str, rows: list[dict[str, Any]], name: str = "labels.jsonl") -> None:
        """Drop a file of labels into landing and ingest the day."""
        folder = self.settings.home / "landing" / "feedback_table" / day
        folder.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / name).write_text(text, encoding="utf-8")
        assert self.run(day, *INGESTION).success

    def decide(self, day: str) -> tuple[dict[str, Any], dg.AssetCheckEvaluation]:
        """The metadata of the day's decision and the check of the labels."""
        result = self.run(day, "decision_evidence", "promotion_decision")
        assert result.success
        events = result.get_asset_materialization_events()
        (event,) = [event for event in events if event.asset_key.to_user_string() == "promotion_decision"]
        checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
        shown = {name: value.value for name, value in event.materialization.metadata.items()}
        return shown, checks[LABELS_NAME_SHOWN_PAIRS]


def verdict_of(line: dict[str, Any], good: bool = True, user: str = "ann", **fields: Any) -> dict[str, Any]:
    """The line with the verdict of somebody who prefers good answers, or bad ones."""
    first_is_good = "good" in line["first_output"]
    return line | {"verdict": "first" if first_is_good == good else "second", "user_id": user} | fields


def day_after(day: str = DAY, days: int = 1) -> str:
    return str(date.fromordinal(date.fromisoformat(day).toordinal() + days))
