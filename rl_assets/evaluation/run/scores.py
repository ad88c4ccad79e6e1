"""Raw answers of all models -> columns of figures by the role that a model plays."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from rl_assets.evaluation.run.columns import AnyColumn, Column
from rl_assets.evaluation.run.estimates import columns, compare
from rl_assets.evaluation.run.generate import Answered, Questions
from rl_assets.evaluation.run.model_scores import HeldOut, ModelScores
from rl_assets.evaluation.run.models import Subjects
from rl_assets.evaluation.schema.results import PRIMARY, Comparison
from rl_assets.evaluation.schema.roles import Role

COMPARED: tuple[tuple[Role, Role], ...] = (
    ("candidate", "base"),
    ("candidate", "parent"),
    ("candidate", "champion"),
    ("parent", "base"),
    ("parent", "champion"),
)


@dataclass(frozen=True)
class Measured:
    """The models, what they were asked, and what they answered, by the hash of their weights."""

    subjects: Subjects
    questions: Questions
    answered: Mapping[str, Answered]

    @property
    def held_out(self) -> HeldOut:
        """What every model was asked."""
        return self.questions.held_out

    @cached_property
    def _by_role(self) -> dict[Role, Answered]:
        return {role: self.answered[self.subjects.weights(adapter)] for role, adapter in self.subjects.roles().items()}

    @cached_property
    def scores(self) -> dict[Role, ModelScores]:
        """Raw scores on the held-out items, by role."""
        return {role: found.held_out for role, found in self._by_role.items()}

    @cached_property
    def table(self) -> dict[Role, dict[str, AnyColumn]]:
        """Columns by role and metric."""
        return {role: self._columns(role) for role in self.scores}

    def _columns(self, role: Role) -> dict[str, AnyColumn]:
        return columns(
            self.held_out,
            self.scores[role],
            base=None if role == "base" else self.scores["base"],
            parent=self.scores.get("parent") if role == "candidate" else None,
        )

    def primary(self, role: Role) -> Column:
        """The column that decides."""
        return cast("Column", self.table[role][PRIMARY])

    def comparisons(self) -> dict[str, Comparison]:
        """Every two roles that are compared, as "ours-theirs"."""
        return {
            f"{ours}-{theirs}": compare(ours, theirs, self.table)
            for ours, theirs in COMPARED
            if ours in self.table and theirs in self.table
        }

    def on_benchmark(self, name: str) -> dict[Role, ModelScores]:
        """Raw scores on a benchmark, by role."""
        return {role: found.benchmarks[name] for role, found in self._by_role.items()}
