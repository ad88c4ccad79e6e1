"""Datasets on request: the assets' builders and policies on the newest rated answers of the train split.

The rows are exports; nothing here is trained on by itself.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import islice
from typing import Any, ClassVar

import duckdb
from pydantic import BaseModel, ConfigDict, Field

from rl_assets.datasets.builders import Built, build_grpo, build_pairs, build_sft
from rl_assets.datasets.policies import DpoPolicy, GrpoPolicy, SftPolicy
from rl_assets.service.lake_reads import LakeReads, Selection

Row = dict[str, Any]


class DatasetRequest(BaseModel, ABC):
    """What all datasets have in common: the last days that are read, and the file to write, if any."""

    model_config = ConfigDict(extra="forbid")
    form: ClassVar[str]

    days_back: int = Field(30, ge=1, le=365, strict=True)
    save_to_file: str | None = Field(None, min_length=1, max_length=1000)

    def agents(self) -> tuple[str, ...] | None:
        return None

    @abstractmethod
    def build(self, connection: duckdb.DuckDBPyConnection) -> Built:
        """The rows, built as the asset builds them."""

    @abstractmethod
    def row(self, row: Row) -> Row:
        """A training row in the form of the reply."""

    def limit(self) -> int | None:
        """Rows to keep, where no policy counts them."""
        return None

    @abstractmethod
    def chosen(self) -> Row:
        """What the reply's metadata says of the choice."""


class SftRequest(DatasetRequest):
    """The best answer per prompt."""

    form = "huggingface_sft"
    min_quality: float = Field(0.8, ge=0, le=1, strict=True)
    max_samples: int = Field(1000, ge=1, le=1_000_000, strict=True)
    agent_types: list[str] | None = Field(None, min_length=1)

    def agents(self) -> tuple[str, ...] | None:
        return None if self.agent_types is None else tuple(self.agent_types)

    def build(self, connection: duckdb.DuckDBPyConnection) -> Built:
        policy = SftPolicy(min_reward=self.min_quality, max_samples=self.max_samples)
        return build_sft(connection, policy)

    def row(self, row: Row) -> Row:
        known = row["metadata"]
        scores = {"quality_score": known["reward"], "agent_type": known["agent"], "latency_ms": known["latency_ms"]}
        return {"messages": row["messages"], "metadata": scores}

    def chosen(self) -> Row:
        return {"min_quality": self.min_quality, "format": self.form}


class DpoRequest(DatasetRequest):
    """Pairs of answers to one prompt of which one was clearly better."""

    form = "huggingface_dpo"
    min_quality_diff: float = Field(0.2, gt=0, le=1, strict=True)
    max_pairs: int = Field(500, ge=1, le=1_000_000, strict=True)

    def build(self, connection: duckdb.DuckDBPyConnection) -> Built:
        return build_pairs(connection, DpoPolicy(margin=self.min_quality_diff, max_pairs=self.max_pairs))

    def row(self, row: Row) -> Row:
        known = row["metadata"]
        scores = {
            "quality_diff": known["margin"],
            "chosen_score": known["chosen_reward"],
            "rejected_score": known["rejected_reward"],
        }
        return {**{side: row[side] for side in ("prompt", "chosen", "rejected")}, "metadata": scores}

    def chosen(self) -> Row:
        return {"min_quality_diff": self.min_quality_diff, "format": self.form}


class GrpoRequest(DatasetRequest):
    """Groups of answers to one prompt with their rewards; an agent is named if it gave all answers of a group."""

    form = "huggingface_grpo"
    group_size: int = Field(4, ge=2, le=10, strict=True)
    max_groups: int = Field(200, ge=1, le=1_000_000, strict=True)

    def build(self, connection: duckdb.DuckDBPyConnection) -> Built:
        return build_grpo(connection, GrpoPolicy(group_size=self.group_size))

    def row(self, row: Row) -> Row:
        agents = row["metadata"]["agents"]
        known = {
            "query_complexity": row["metadata"]["query_complexity"],
            "agent_type": agents[0] if len(agents) == 1 else "mixed",
        }
        responses = [{"text": answer["text"], "reward": answer["reward"]} for answer in row["responses"]]
        return {"prompt": row["prompt"], "responses": responses, "metadata": known}

    def limit(self) -> int | None:
        return self.max_groups

    def chosen(self) -> Row:
        return {"group_size": self.group_size, "format": self.form}


def build_dataset(
    reads: LakeReads, request: DatasetRequest, brand: str | None, save: Callable[[list[Row]], str | None]
) -> Row:
    """The reply: the rows, and where `save` has written them."""
    with reads.rated(Selection(request.days_back, brand, request.agents(), "train")) as connection:
        built = request.build(connection)
        assert built.rows is not None, "builders of rated answers make their rows in batches"
        rows = (row for table in built.rows() for row in table.to_pylist())
        dataset = [request.row(row) for row in islice(rows, request.limit())]
    day = reads.rated_day()
    return {
        "dataset": dataset,
        "count": len(dataset),
        "saved_to": save(dataset),
        "metadata": request.chosen(),
        "as_of": str(day) if day else None,
    }
