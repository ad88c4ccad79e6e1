"""Draws the asset graph of the definitions as one SVG: `python docs/scripts/draw_graph.py`.

Layered drawing (Sugiyama et al. 1981): a row holds the assets of one depth, rows are ordered by the mean position of
their neighbours, and a line that skips rows is led through a gap in each of them; lines of one asset share their gaps.
Every asset is a `g` with `data-asset`, every dependency a `path` with `data-from` and `data-to`, so that a test can
compare the drawing with the definitions. What a band uses from the other band is repeated there with a dashed border.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from pathlib import Path

import dagster as dg

from rl_assets.definitions import defs

DRAWING = Path(__file__).parents[1] / "images" / "asset-graph.svg"
FEEDBACK, DOCUMENTATION = "Feedback", "Documentation with images"
NOTES = {FEEDBACK: "landing/ → champion.json", DOCUMENTATION: "docs/ → reports/"}
WIDTH, MARGIN, HEADER, LEGEND = 2280, 16, 34, 34
NODE_WIDTH, NODE_HEIGHT, GAP_WIDTH, ROW_HEIGHT = 186, 30, 14, 72
COLOURS = ("amber", "blue", "green", "teal", "red", "violet", "slate", "brown")
STYLE = """
svg { --page: #fbfbfa; --card: #ffffff; --ink: #1c2733; --muted: #66727f; --line: #dfe3e7;
  --teal: #2a7f86; --green: #4b8a3c; --blue: #2f6fb3; --violet: #8a6fb0; --amber: #b07d1e; --red: #b4532a;
  --slate: #5d6b79; --brown: #8a6a4f; }
@media (prefers-color-scheme: dark) { svg { --page: #14191f; --card: #1b222a; --ink: #e6eaee; --muted: #98a4b0;
  --line: #323c47; --teal: #5cb8bf; --green: #84c373; --blue: #6aa9e9; --violet: #b39ad6; --amber: #dcae57;
  --red: #e08a5f; --slate: #9fb0c0; --brown: #c4a488; } }
text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: var(--ink); }
.band { font-size: 14px; font-weight: 600; }
.note { font-size: 12px; font-weight: 400; fill: var(--muted); }
.page { fill: var(--page); }
.node { fill: var(--card); stroke: var(--group); stroke-width: 1.5; }
.again { stroke-dasharray: 4 3; }
.edge { fill: none; stroke: var(--group); stroke-width: 1.3; opacity: .6; }
"""
Graph = Mapping[str, tuple[str, ...]]
Point = tuple[float, float]


@dataclass(frozen=True)
class Node:
    """An asset as the definitions have it."""

    name: str
    group: str
    needs: tuple[str, ...]


@dataclass
class Band:
    """One of the two halves of the drawing: its rows from top to bottom, gaps included, and where they lie."""

    title: str
    graph: Graph
    top: float
    rows: list[list[str]] = field(default_factory=list)
    points: dict[str, Point] = field(default_factory=dict)

    @property
    def bottom(self) -> float:
        return self.top + HEADER + ROW_HEIGHT * len(self.rows)


def nodes_of(definitions: dg.Definitions) -> list[Node]:
    """All assets of the definitions with what they depend on, by name."""
    specs = sorted(definitions.resolve_all_asset_specs(), key=lambda spec: spec.key.to_user_string())
    return [
        Node(
            spec.key.to_user_string(),
            spec.group_name or "default",
            tuple(sorted({dependency.asset_key.to_user_string() for dependency in spec.deps})),
        )
        for spec in specs
    ]


def graph_of(band: str, nodes: list[Node]) -> Graph:
    """The assets of a band with their needs, and what they need from the other band without its own needs."""
    inside = {node.name: node.needs for node in nodes if (node.group == "images") == (band == DOCUMENTATION)}
    outside = {need: () for needs in inside.values() for need in needs if need not in inside}
    return inside | outside


def depths(graph: Graph) -> dict[str, int]:
    """Longest path to each asset; one without needs stands right above the first that uses it."""
    found: dict[str, int] = {}

    def depth(name: str) -> int:
        if name not in found:
            found[name] = 1 + max((depth(need) for need in graph[name]), default=-1)
        return found[name]

    for name in graph:
        depth(name)
    users = users_of(graph)
    return {
        name: found[name] if graph[name] or not users[name] else min(found[user] for user in users[name]) - 1
        for name in graph
    }


def users_of(graph: Graph) -> dict[str, tuple[str, ...]]:
    return {name: tuple(user for user, needs in graph.items() if name in needs) for name in graph}


def with_gaps(graph: Graph, depth: Mapping[str, int]) -> tuple[dict[str, tuple[str, ...]], dict[str, int]]:
    """The graph with a gap in each row that the lines of an asset cross, and the depths of all."""
    long_graph: dict[str, tuple[str, ...]] = dict.fromkeys(graph, ())
    long_depth = dict(depth)
    for user, needs in graph.items():
        for need in needs:
            path = path_of(need, user, depth)
            for above, below in pairwise(path):
                long_graph[below] = tuple(dict.fromkeys((*long_graph.get(below, ()), above)))
            long_depth |= {name: depth[need] + index for index, name in enumerate(path[:-1])}
    return long_graph, long_depth


def path_of(need: str, user: str, depth: Mapping[str, int]) -> list[str]:
    """An asset, the gaps that its line to another is led through, and that other."""
    return [need, *(f"{need}@{row}" for row in range(depth[need] + 1, depth[user])), user]


def arranged(title: str, nodes: list[Node], top: float) -> Band:
    """A band with its rows ordered so that few lines cross, and the centre of each asset and gap."""
    graph = graph_of(title, nodes)
    long_graph, depth = with_gaps(graph, depths(graph))
    rows = [sorted(name for name in depth if depth[name] == row) for row in sorted(set(depth.values()))]
    users = users_of(long_graph)
    across = {name: x for row in rows for name, x in spread(row).items()}
    for neighbours in (long_graph, users) * 4:
        for index, row in enumerate(rows):
            means = [(barycentre(across, neighbours[name], across[name]), name) for name in row]
            rows[index] = [name for _, name in sorted(means)]
            across |= spread(rows[index])
    band = Band(title, graph, top, rows)
    for index, row in enumerate(rows):
        y = top + HEADER + ROW_HEIGHT * (index + 0.5)
        band.points |= {name: (x, y) for name, x in spread(row).items()}
    return band


def barycentre(across: Mapping[str, float], names: Iterable[str], otherwise: float) -> float:
    places = [across[name] for name in names]
    return sum(places) / len(places) if places else otherwise


def spread(row: list[str]) -> dict[str, float]:
    """Centres of assets and gaps, with equal space between them over the width of the drawing."""
    widths = [GAP_WIDTH if "@" in name else NODE_WIDTH for name in row]
    space = (WIDTH - sum(widths)) / (len(row) + 1)
    x, found = 0.0, {}
    for name, width in zip(row, widths, strict=True):
        found[name] = x + space + width / 2
        x += space + width
    return found


def drawing(nodes: list[Node]) -> str:
    """The whole SVG; the same definitions give the same text."""
    colours = dict(zip(sorted({node.group for node in nodes}), COLOURS * 2, strict=False))
    colour = {node.name: colours[node.group] for node in nodes}
    upper = arranged(FEEDBACK, nodes, MARGIN)
    lower = arranged(DOCUMENTATION, nodes, upper.bottom + MARGIN)
    height = lower.bottom + LEGEND
    own = {node.name: FEEDBACK if node.group != "images" else DOCUMENTATION for node in nodes}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'aria-label="The assets and what each is made of">',
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height:.0f}" rx="10"/>',
    ]
    for band in (upper, lower):
        lines.append(band_title(band))
        lines += [edge(band, need, user, colour[need]) for user, needs in band.graph.items() for need in needs]
        lines += [box(band, name, colour[name], again=own[name] != band.title) for name in band.graph]
    return "\n".join([*lines, *legend(colours, lower.bottom + LEGEND / 2), "</svg>\n"])


def band_title(band: Band) -> str:
    note = f'<tspan class="note" dx="10">{escape(NOTES[band.title])}</tspan>'
    return f'<text class="band" x="{2 * MARGIN}" y="{band.top + 20:.0f}">{escape(band.title)}{note}</text>'


def edge(band: Band, need: str, user: str, colour: str) -> str:
    """A curve from the lower side of an asset through its gaps to the upper side of what is made of it."""
    half = NODE_HEIGHT / 2
    points = [band.points[name] for name in path_of(need, user, depths(band.graph))]
    x, y = points[0][0], points[0][1] + half
    curve = [f"M{x:.0f},{y:.0f}"]
    for end_x, end_y in points[1:]:
        bend = (end_y - half - y) / 2
        curve.append(f"C{x:.0f},{y + bend:.0f} {end_x:.0f},{end_y - half - bend:.0f} {end_x:.0f},{end_y - half:.0f}")
        if (end_x, end_y) != points[-1]:
            curve.append(f"V{end_y + half:.0f}")
        x, y = end_x, end_y + half
    data = f'data-from="{escape(need)}" data-to="{escape(user)}"'
    return f'<path class="edge" {data} style="--group: var(--{colour})" d="{" ".join(curve)}"/>'


def box(band: Band, name: str, colour: str, *, again: bool) -> str:
    x, y = band.points[name]
    kind, data = ("node again", f'data-again="{escape(name)}"') if again else ("node", f'data-asset="{escape(name)}"')
    return (
        f'<g {data} style="--group: var(--{colour})"><rect class="{kind}" x="{x - NODE_WIDTH / 2:.0f}" '
        f'y="{y - NODE_HEIGHT / 2:.0f}" width="{NODE_WIDTH}" height="{NODE_HEIGHT}" rx="6"/>'
        f'<text x="{x:.0f}" y="{y + 4:.0f}" text-anchor="middle">{escape(name)}</text></g>'
    )


def legend(colours: Mapping[str, str], y: float) -> list[str]:
    step = (WIDTH - 4 * MARGIN) / len(colours)
    return [
        f'<g style="--group: var(--{colour})"><rect class="node" x="{2 * MARGIN + step * index:.0f}" y="{y - 10:.0f}" '
        f'width="16" height="12" rx="3"/><text class="note" x="{2 * MARGIN + step * index + 24:.0f}" '
        f'y="{y:.0f}">{escape(group)}</text></g>'
        for index, (group, colour) in enumerate(colours.items())
    ]


def main() -> None:
    """Write the drawing of the definitions."""
    DRAWING.write_text(drawing(nodes_of(defs)), encoding="utf-8")
    print(f"Drew {len(nodes_of(defs))} assets: {DRAWING}")


if __name__ == "__main__":
    main()
