"""REST below `/api/v1/training`: statistics, answers, datasets and scripts on request, cleanup, health."""

from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Response

from rl_assets.metrics.scales import metrics_of
from rl_assets.recipes.recipe import named_recipe
from rl_assets.service.access import require_key
from rl_assets.service.acts import INTERACTION_LOG
from rl_assets.service.answer_queries import AnswerQuery, query_answers
from rl_assets.service.answer_statistics import answer_statistics, dataset_statistics
from rl_assets.service.cleanup import CleanupRequest, clean_up
from rl_assets.service.dataset_requests import DatasetRequest, DpoRequest, GrpoRequest, SftRequest, build_dataset
from rl_assets.service.errors import ServiceError
from rl_assets.service.exports import export_path, save_rows
from rl_assets.service.key_rows import Key, Scope
from rl_assets.service.lake_reads import LakeReads
from rl_assets.service.logged_answers import AnswerChecks, raise_conflicts
from rl_assets.service.script_requests import ScriptRequest, generate_script
from rl_assets.service.state import Service

PREFIX = "/api/v1/training"
Reply = dict[str, Any]


def router(service: Service) -> APIRouter:
    """The routes, on the parts of one service. Functions that are not async run in threads."""
    routes = APIRouter()
    reads = LakeReads.from_settings(service.settings)
    _add_health(routes, service, reads)
    _add_statistics(routes, service, reads)
    _add_answers(routes, service, reads)
    _add_datasets(routes, service, reads)
    return routes


def _keyed(service: Service, scope: Scope) -> Any:
    return Depends(require_key(service, scope))


def _add_health(routes: APIRouter, service: Service, reads: LakeReads) -> None:
    @routes.get("/health")
    @routes.get(f"{PREFIX}/health")
    def health() -> Reply:
        """Whether the service can keep what it is given; no key is needed. 503 if its database is away."""
        service.store.counts()
        newest = reads.landed_day()
        return {
            "ok": True,
            "version": version("rl-assets"),
            "database": "sqlite" if service.store.database.is_sqlite else "postgresql",
            "newest_day": str(newest) if newest else None,
        }


def _add_statistics(routes: APIRouter, service: Service, reads: LakeReads) -> None:
    recipe = named_recipe(service.settings.recipe)

    @routes.get(f"{PREFIX}/stats")
    def stats(key: Annotated[Key, _keyed(service, "read")]) -> Reply:
        """Counts of the newest rated answers; `waiting` are logged answers that have not landed."""
        counts = reads.remembered(("stats", key.brand), lambda: answer_statistics(reads, key.brand))
        return {**counts, "waiting": service.store.counts()["answers_waiting"]}

    @routes.get(f"{PREFIX}/dataset/stats")
    def dataset_stats(
        key: Annotated[Key, _keyed(service, "read")], days_back: Annotated[int, Query(ge=1, le=365)] = 30
    ) -> Reply:
        """Counts of the last days, and the rows that datasets would have after all filters."""
        return reads.remembered(
            ("dataset", days_back, key.brand), lambda: dataset_statistics(reads, recipe, days_back, key.brand)
        )

    @routes.delete(f"{PREFIX}/interactions/cleanup")
    def cleanup(
        key: Annotated[Key, _keyed(service, "admin")],
        days_to_keep: Annotated[int | None, Query(ge=0, le=36_500)] = None,
        force: Annotated[bool | None, Query()] = None,
        body: Annotated[CleanupRequest | None, Body()] = None,
    ) -> Reply:
        """Remove old days of the lake; values of the body or of the query."""
        if key.brand is not None:
            raise ServiceError(403, f"the key {key.name} is for one brand, and days hold those of all")
        asked = {"days_to_keep": days_to_keep, "force": force}
        request = (body or CleanupRequest()).model_copy(update={k: v for k, v in asked.items() if v is not None})
        return clean_up(reads.lake, request, service.settings.window_days, service.clock().date())


def _add_answers(routes: APIRouter, service: Service, reads: LakeReads) -> None:
    checks = AnswerChecks(metrics_of(service.settings.metrics, INTERACTION_LOG))

    @routes.post(f"{PREFIX}/interactions")
    def log_answers(
        key: Annotated[Key, _keyed(service, "log")], body: Annotated[Any, Body()], reply: Response
    ) -> Reply:
        """Keep one answer or up to 1,000; each id is kept once. 201 if one is new, 200 if all were kept before."""
        answers = checks.answers(body, service.clock().date(), key.brand)
        recorded = service.store.record_answers(answers)
        raise_conflicts(recorded)
        new = sum(answer.status == "new" for answer in recorded)
        reply.status_code = 201 if new else 200
        return {"accepted": len(recorded), "new": new, "repeated": len(recorded) - new}

    @routes.post(f"{PREFIX}/interactions/query")
    def query(key: Annotated[Key, _keyed(service, "read")], body: AnswerQuery) -> Reply:
        """Landed answers, the newest first; personal data is replaced."""
        return query_answers(reads, body, key.brand)


def _add_datasets(routes: APIRouter, service: Service, reads: LakeReads) -> None:
    def reply(request: DatasetRequest, key: Key) -> Reply:
        name = request.save_to_file
        path = export_path(service.home.exports, name, ".jsonl") if name else None

        def save(rows: list[Reply]) -> str | None:
            if path:
                save_rows(path, rows)
            return str(path) if path else None

        return build_dataset(reads, request, key.brand, save)

    @routes.post(f"{PREFIX}/dataset/sft")
    def sft(key: Annotated[Key, _keyed(service, "build")], body: SftRequest) -> Reply:
        """The best answer per prompt, as chat messages."""
        return reply(body, key)

    @routes.post(f"{PREFIX}/dataset/dpo")
    def dpo(key: Annotated[Key, _keyed(service, "build")], body: DpoRequest) -> Reply:
        """Pairs of answers of which one was clearly better."""
        return reply(body, key)

    @routes.post(f"{PREFIX}/dataset/grpo")
    def grpo(key: Annotated[Key, _keyed(service, "build")], body: GrpoRequest) -> Reply:
        """Groups of answers with their rewards."""
        return reply(body, key)

    @routes.post(f"{PREFIX}/script/generate")
    def script(_: Annotated[Key, _keyed(service, "build")], body: ScriptRequest) -> Reply:
        """A script that trains on a file of rows."""
        return generate_script(body, service.settings)
