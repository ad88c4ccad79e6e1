"""Products whose users reward answers by known means, routed night after night through the real graph.

By day the gateway's own functions read calls, draw arms and write log lines; some are rewarded, nights later.
By night Dagster rates the log and learns shares; its sensor has them put in force in `routing.json`, by which the next
day draws.
Each segment is a world of its own with means of its own, so that one month is as many runs as there are segments.
"""

import json
import os
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import yaml
from starlette.datastructures import Headers

from rl_assets.datasets.ratings import Window
from rl_assets.definitions import build_defs
from rl_assets.defs.datasets.rated_interactions import rated_interactions
from rl_assets.defs.features.interaction_features import interaction_features
from rl_assets.defs.ingestion.raw_tables import landed_logs
from rl_assets.defs.routing.bandit_state import bandit_state
from rl_assets.defs.serving.champion_changed import champion_changed
from rl_assets.defs.shared.resources import HomeResource
from rl_assets.routing.config import read_router
from rl_assets.routing.learned import LearnedShares, read_learned
from rl_assets.routing.state import count_answers, learn, shares_to_draw_by, state_rows
from rl_assets.serving.config import read_serving
from rl_assets.serving.drivers.make import make_driver
from rl_assets.serving.feedback_lines import read_feedback
from rl_assets.serving.gateway.arms import choose
from rl_assets.serving.gateway.bodies import read_chat
from rl_assets.serving.lines import Call, Caller, interaction_line
from rl_assets.serving.replicas import make_replicas
from rl_assets.serving.rollout import Rollout
from rl_assets.serving.routing import Routing, read_routing
from rl_assets.settings import Settings
from rl_assets.tables.bandit_state import BANDIT_STATE
from rl_assets_tests.support.logs import Product, Row, later
from rl_assets_tests.support.model_server import completion
from rl_assets_tests.support.served_homes import ChosenChecks

ARMS = ("graph_rag", "lookup", "table_rag", "vector_rag")
BAD_MEAN = 0.15
RATED = 0.2
QUESTIONS = {
    "visual": "Which icon stands for valve {}?",
    "procedural": "How do I replace valve {}?",
    "relational": "Which pump belongs to valve {}?",
    "analytical": "Why did valve {} leak?",
    "vague": "Tell me about valve {} please.",
    "factual": "In which year was valve {} made?",
}
CATEGORIES = tuple(QUESTIONS)


@dataclass
class RouterWorld:
    """A home with `segments` worlds, of which the last `bad` hold an arm of mean 0.15, and what happened in them.

    Each day has `batch` conversations per segment; rewards come `delay` nights after their answers.
    """

    folder: Path
    server_url: str
    segments: int
    bad: int = 0
    batch: int = 200
    delay: int = 0
    seed: int = 0
    regrets: list[float] = field(default_factory=list)
    drawn: list[dict[str, int]] = field(default_factory=list)
    owed: dict[int, list[Row]] = field(default_factory=lambda: defaultdict(list))
    weights: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        size = (self.segments + self.bad, len(CATEGORIES), len(ARMS))
        self.means = np.random.default_rng(self.seed).uniform(0.3, 0.9, size)
        self.means[self.segments :, :, 0] = BAD_MEAN
        declared = {name: {"endpoint": "agents", "model": name} for name in ARMS}
        agents = {"driver": "static", "urls": ["http://127.0.0.1:9"]}
        endpoints = {"local": {"urls": [self.server_url]}, "agents": agents}
        segments: dict[str, Any] = {"product": {}, **{name: {} for name in self.names}}
        self._write("serving.yaml", {"endpoints": endpoints, "arms": declared, "segments": segments})
        self._write("router.yaml", {"arms": list(ARMS), "categories": list(CATEGORIES)})
        serving = read_serving(self.settings.serving)
        replicas = make_replicas(serving, os.environ, make_driver)
        Rollout(self.settings.paths, serving, replicas, ChosenChecks(), lambda _: None).run()

    @property
    def names(self) -> list[str]:
        return [f"s{number:02}" for number in range(self.segments + self.bad)]

    @cached_property
    def settings(self) -> Settings:
        home = self.folder / "home"
        return Settings(home=home, serving=self.folder / "serving.yaml", router=self.folder / "router.yaml")

    @property
    def product(self) -> Product:
        return Product.at(self.settings.home)

    @property
    def learned(self) -> LearnedShares:
        found = read_learned(self.settings.paths)
        assert found is not None
        return found

    def _write(self, name: str, content: dict[str, Any]) -> None:
        (self.folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")

    def run_night(self, number: int, instance: dg.DagsterInstance) -> None:
        """A day of calls and the night after it. Before the first one nothing is known, and the base answers."""
        routing, day = read_routing(self.settings.paths), later(number)
        assert routing is not None
        calls = [(segment, each) for segment in range(len(self.names)) for each in range(self.batch if number else 2)]
        lines = [self._call(routing, segment, number, each) for segment, each in calls]
        self.random.shuffle(lines)
        self.product.log(*lines, day=day)
        if owed := self.owed.pop(number, []):
            self.product.log(*owed, log_format="reward_log", day=day)
        resources = {"home": HomeResource.from_settings(self.settings)}
        assets = [landed_logs, interaction_features, rated_interactions, bandit_state]
        dg.materialize(assets, instance=instance, resources=resources, partition_key=str(day))
        self._put_in_force(instance)
        if number:
            self._weigh(lines)

    def _put_in_force(self, instance: dg.DagsterInstance) -> None:
        """The sensor sees that shares were learned, and the job that it requests replaces them; nobody else acts."""
        resources = {"home": HomeResource.from_settings(self.settings)}
        definitions = build_defs(resources, dg.in_process_executor)
        context = dg.build_sensor_context(instance, resources=resources, definitions=definitions)
        (request,) = champion_changed.evaluate_tick(context).run_requests or ()
        assert request.run_key
        assert definitions.resolve_job_def("serve").execute_in_process(instance=instance).success

    def _call(self, routing: Routing, segment: int, night: int, number: int) -> Row:
        """The log line of a call; its regret is noted, and its reward, if one will come."""
        name = f"{self.names[segment]}-{night}-{number}"
        category = self.random.randrange(len(CATEGORIES))
        question = QUESTIONS[CATEGORIES[category]].format(self.random.randrange(20))
        metadata = {"session_id": name, "segment": self.names[segment], "interaction_id": name}
        body = {"model": "auto", "messages": [{"role": "user", "content": question}], "metadata": metadata}
        request = read_chat(json.dumps(body).encode("utf-8"), Headers({}))
        choice = choose(routing, request.model, request.conversation, request.segment, request.category)
        arm = routing.arms[choice.arm]
        caller = Caller(request.session, request.user, request.segment, request.category)
        call = Call(name, body, caller, choice, arm.agent, choice.arm, arm)
        call.whole = bytes(completion(f"{choice.arm} answers {number % 20}.").body)
        moment = datetime.combine(later(night), time(8), UTC) + timedelta(seconds=number)
        call.ended_at = moment
        if night:
            self._note(segment, category, choice.arm, name, night)
        return interaction_line(call).fields

    def _note(self, segment: int, category: int, arm: str, name: str, night: int) -> None:
        means = self.means[segment, category]
        mean = float(means[ARMS.index(arm)])
        if segment < self.segments:
            self.regrets.append(float(means.max()) - mean)
        while len(self.drawn) < night:
            self.drawn.append({"bad": 0, "all": 0})
        if segment >= self.segments:
            self.drawn[-1]["all"] += 1
            self.drawn[-1]["bad"] += arm == ARMS[0]
        if self.random.random() < RATED:
            given = {"interaction_id": name, "score": float(self.random.random() < mean), "user_id": "mary"}
            read = read_feedback(given)
            at = datetime.combine(later(night + self.delay), time(20), UTC)
            self.owed[night + self.delay].append(read.lines(at)[0].fields)

    def _weigh(self, lines: list[Row]) -> None:
        """Weights of the new shares over the answers of the day that just ended."""
        shares = self.learned.shares
        for line in lines:
            own = shares[line["segment"]][line["category"]]
            self.weights.append(own[line["assigned_arm"]] / line["propensity"])

    @property
    def random_regret(self) -> float:
        """What arms that are drawn alike would cost per answer."""
        means = self.means[: self.segments]
        return float((means.max(axis=2) - means.mean(axis=2)).mean())

    def rebuilt(self, night: int, folder: Path) -> tuple[list[Row], dict[str, Any]]:
        """Rows and shares of the state as of a night, of the same lines in another order, with rewards sent twice."""
        other, shuffle = Product.at(folder), random.Random(night)
        for path in sorted(self.product.landing.glob("*/*/*.jsonl")):
            log_format, logged = path.parts[-3:-1]
            lines = path.read_text(encoding="utf-8").splitlines()
            lines = lines * (2 if log_format == "reward_log" else 1)
            shuffle.shuffle(lines)
            half = len(lines) // 2
            for part, some in enumerate((lines[:half], lines[half:])):
                other.log(*some, log_format=log_format, day=date.fromisoformat(logged), name=f"z{9 - part}.jsonl")
        days = [later(number) for number in range(night + 1)]
        for day in days:
            other.ingest(day)
        other.rated(days[-1])
        router = read_router(self.settings.router)
        counts = count_answers(other.lake, Window(days[-1], self.settings.window_days), router)
        state = learn(str(days[-1]), counts, router)
        return _in_order(state_rows(state)), shares_to_draw_by(state, router, self.learned.salt).model_dump()

    def state(self, night: int) -> list[Row]:
        """The rows of the state as of a night, as the lake has them."""
        return _in_order(self.product.lake.read(BANDIT_STATE, [later(night)]).to_table())


def _in_order(rows: pa.Table) -> list[Row]:
    keys = [("segment", "ascending"), ("category", "ascending"), ("arm", "ascending")]
    return list(rows.sort_by(keys).to_pylist())
