"""A segment as a Dagster Component: its rows, its stages, and the assets that follow from them. No training here.

`dg scaffold defs rl_assets.defs.segments.component.SegmentAdapters <name>` writes one; the folder's name is the
segment's. A file named by the setting `segments` declares several at once, as the same assets.
"""

from collections.abc import Mapping

import dagster as dg
from pydantic import BaseModel, Field

from rl_assets.defs.segments.adapters import segment_adapters
from rl_assets.defs.segments.reports import segment_decisions
from rl_assets.recipes.segments import Segment, check_name


class SegmentParams(BaseModel):
    """Values for the file of a new segment."""

    agent: str | None = Field(None, description="Agent whose answers are in the segment.")
    category: str | None = Field(None, description="Category of its prompts.")
    task: str | None = Field(None, description="Task of its prompts, such as the function of a gateway.")
    source: str | None = Field(None, description="Log format that its rows landed in, such as `tensorzero`.")
    segment: str | None = Field(None, description="Value of `segment` in its rows.")


class SegmentScaffolder(dg.Scaffolder[SegmentParams]):
    """Writes the file of a new segment."""

    @classmethod
    def get_scaffold_params(cls) -> type[SegmentParams]:
        return SegmentParams

    def scaffold(self, request: dg.ScaffoldRequest[SegmentParams]) -> None:
        rows = request.params.model_dump(exclude_none=True) or {"category": request.target_path.name}
        dg.scaffold_component(request, {**rows, "stages": ["sft", "dpo"]})


@dg.scaffold_with(SegmentScaffolder)
class SegmentAdapters(dg.Component, dg.Resolvable, Segment):
    """Adapters of one segment of the product, a chain of stages, with a report and a decision on the last of them."""

    name: str | None = Field(None, description="Prefix of its assets and name of its folders; the folder's if unset.")

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """`<name>_<stage>_adapter` for each stage, and `<name>_report`, `<name>_evidence` and `<name>_decision`."""
        name = self.name or context.path.name
        check_name(name)
        segment = Segment(**self.model_dump(exclude={"name"}))
        return dg.Definitions(assets=[*segment_adapters(name, segment), *segment_decisions(name, segment)])


def segments_of_file(segments: Mapping[str, Segment]) -> dg.Definitions:
    """What the components of all those segments define."""
    components = [SegmentAdapters(name=name, **segment.model_dump()) for name, segment in segments.items()]
    return dg.Definitions.merge(*map(dg.build_defs_for_component, components))
