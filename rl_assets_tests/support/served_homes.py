"""Homes with champions and canaries, servers that load adapters in memory, and checks whose verdicts a test chooses."""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePosixPath
from typing import Any

from rl_assets.core.files import write_atomically, write_json
from rl_assets.core.home import Home
from rl_assets.evaluation.promotion.champion import Champion
from rl_assets.evaluation.schema.decision import Decision, Verdict
from rl_assets.models.adapters import CONFIG, WEIGHTS, Adapter, publish
from rl_assets.serving.config import ServingFile
from rl_assets.serving.drivers.protocol import Limits, ServerError
from rl_assets.serving.names import BASE
from rl_assets.serving.parity import Finding
from rl_assets.serving.replicas import Replica, Replicas, make_replicas
from rl_assets.serving.roles import ServedAdapter
from rl_assets_tests.support.adapter_samples import sample_manifest
from rl_assets_tests.support.evaluation_samples import model_result, report

BASE_SHA256, TEMPLATE_SHA256 = "b" * 64, "c" * 64
DAY = "2026-10-14"


def write_adapter(
    home: Home, name: str, kind: str = "dpo", rank: int = 4, segment: str | None = None, **config: Any
) -> Adapter:
    """An adapter folder whose weights are a header and bytes that no other name has; nothing can load it."""
    folder = home.adapters(segment) / kind / name
    folder.mkdir(parents=True)
    tensors = {
        f"base_model.model.model.layers.0.self_attn.{layer}.{factor}.weight": {
            "dtype": "F32",
            "shape": [rank, 8] if factor == "lora_A" else [8, rank],
            "data_offsets": [0, 0],
        }
        for layer in ("q_proj", "v_proj")
        for factor in ("lora_A", "lora_B")
    }
    header = json.dumps(tensors).encode("utf-8")
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", len(header)) + header + name.encode("utf-8"))
    write_json(folder / CONFIG, {"peft_type": "LORA", "r": rank, "target_modules": ["q_proj", "v_proj"]} | config)
    base = {"name": "tiny", "sha256": BASE_SHA256}
    manifest = sample_manifest(kind=kind, day=DAY, base=base, chat_template_sha256=TEMPLATE_SHA256)
    return publish(folder, manifest)


def decision(adapter: Adapter, verdict: Verdict, day: str = DAY) -> Decision:
    return Decision(
        verdict=verdict,
        day=day,
        candidate=adapter.sha256,
        against="base",
        primary="exact_match",
        reasons=[],
        difference=None,
        guardrails=[],
    )


def make_champion(home: Home, *adapters: Adapter, day: str = DAY, segment: str | None = None) -> None:
    """The first adapter is the champion, those after it are the champions before it."""
    champion: Champion | None = None
    for adapter in reversed(adapters):
        below = f"{segment}/" if segment else ""
        champion = champion_of(adapter, champion, day, below)
    assert champion is not None
    write_json(home.champion(segment), champion.model_dump(mode="json"))


def champion_of(adapter: Adapter, previous: Champion | None = None, day: str = DAY, below: str = "") -> Champion:
    """An adapter of a home as champion."""
    return Champion(
        adapter=f"adapters/{below}{adapter.kind}/{adapter.inputs_hash}",
        hash=adapter.sha256,
        day=date.fromisoformat(day),
        decision=decision(adapter, "PROMOTE", day),
        previous=previous,
    )


def conversation(number: int) -> dict[str, Any]:
    """A held-out row of the SFT dataset; every second one has earlier turns."""
    earlier = [{"role": "user", "content": "Is it open?"}, {"role": "assistant", "content": "yes"}] * (number % 2)
    question = {"role": "user", "content": f"Which colour has the rotor in drawer {number}?"}
    answer = {"role": "assistant", "content": f"red {number}"}
    metadata = {"prompt_key": f"k{number}", "cluster_key": f"k{number}", "reward": 1.0}
    return {"messages": [*earlier, question, answer], "metadata": metadata}


def decide(home: Home, adapter: Adapter, verdict: Verdict, day: str, segment: str | None = None) -> None:
    """A decision on an adapter, with the report that it is about."""
    folder = home.reports(day, segment)
    model = model_result("candidate", adapter.sha256)
    model = model.model_copy(update={"kind": adapter.kind, "inputs_hash": adapter.inputs_hash})
    sample = report()
    sample = sample.model_copy(update={"day": day, "models": {**sample.models, "candidate": model}})
    write_atomically(folder / "report.json", sample.model_dump_json())
    write_json(folder / "decision.json", decision(adapter, verdict, day).model_dump(mode="json"))


@dataclass
class MemoryServer:
    """A driver of a server that loads any folder; it can be away, refuse a name, or end the process at a call."""

    url: str = "http://127.0.0.1:1"
    loaded: dict[str, PurePosixPath] = field(default_factory=dict)
    limit: Limits = field(default_factory=Limits)
    away: bool = False
    refuses: str = ""
    calls: list[str] = field(default_factory=list)

    def names(self) -> frozenset[str]:
        self.probe()
        return frozenset({BASE, *self.loaded})

    def load(self, name: str, folder: PurePosixPath) -> None:
        self.calls.append(f"load {name}")
        if name == self.refuses:
            raise ServerError(f"{self.url} has no memory left")
        self.loaded[name] = folder

    def unload(self, name: str) -> None:
        self.calls.append(f"unload {name}")
        self.loaded.pop(name, None)

    def limits(self) -> Limits:
        return self.limit

    def probe(self) -> None:
        if self.away:
            raise ServerError("connection refused")


def replicas_of(serving: ServingFile, *servers: MemoryServer) -> Replicas:
    """The servers, in their order, as the replicas of the declared endpoints."""
    left = iter(servers)

    def make(_config: Any, url: str, _environment: Any) -> MemoryServer:
        server = next(left)
        server.url = url
        return server

    return make_replicas(serving, {}, make)


@dataclass
class ChosenChecks:
    """Checks that pass, but for the problems that a test names by adapter."""

    preflight_problems: dict[str, str] = field(default_factory=dict)
    parity_problems: dict[str, str] = field(default_factory=dict)
    probe_problems: dict[str, str] = field(default_factory=dict)
    checked: list[tuple[str, str]] = field(default_factory=list)

    def preflight(self, served: ServedAdapter, replica: Replica) -> list[str]:
        return [self.preflight_problems[served.name]] if served.name in self.preflight_problems else []

    def parity(self, served: ServedAdapter, previous: ServedAdapter | None, replica: Replica) -> Sequence[Finding]:
        assert served.name in replica.names()
        self.checked.append((served.name, replica.url))
        return [Finding("identity", {"distance_at_1": 0.0}, self.parity_problems.get(served.name))]

    def probe(self, arm: str, served: ServedAdapter) -> Finding:
        return Finding("gateway", {"requests": 20}, self.probe_problems.get(served.name))
