"""The picture of the asset graph is the graph of the definitions."""

import re
from collections import defaultdict
from itertools import pairwise
from xml.etree import ElementTree

from rl_assets.definitions import defs
from rl_assets_tests.support.pages import DOCS, README, script, text_of

DRAWING = DOCS / "images" / "asset-graph.svg"
SVG = "{http://www.w3.org/2000/svg}"
Edge = tuple[str, str]
Point = tuple[float, float]


def drawn(svg: str) -> tuple[set[str], set[Edge]]:
    """Assets whose names can be read in a box, and lines that lead from the lower side of a box to an upper side."""
    root = ElementTree.fromstring(svg)
    lower: dict[str, set[Point]] = defaultdict(set)
    upper: dict[str, set[Point]] = defaultdict(set)
    names = set()
    for group in root.iter(f"{SVG}g"):
        name = group.get("data-asset") or group.get("data-again")
        if name is None:
            continue
        box, label = group.find(f"{SVG}rect"), group.find(f"{SVG}text")
        assert box is not None and label is not None and label.text == name
        x, y, width, height = (float(box.get(key, "nan")) for key in ("x", "y", "width", "height"))
        upper[name].add((x + width / 2, y))
        lower[name].add((x + width / 2, y + height))
        names |= {name} if group.get("data-asset") else set()
    edges = set()
    for path in root.iter(f"{SVG}path"):
        need, user = path.get("data-from", ""), path.get("data-to", "")
        points = [tuple(map(float, point)) for point in re.findall(r"(-?[\d.]+),(-?[\d.]+)", path.get("d", ""))]
        if near(points[0], lower[need]) and near(points[-1], upper[user]):
            edges.add((need, user))
    return names, edges


def near(point: tuple[float, ...], places: set[Point]) -> bool:
    return any(abs(point[0] - x) <= 1 and abs(point[1] - y) <= 1 for x, y in places)


def defined() -> tuple[set[str], set[Edge]]:
    specs = list(defs.resolve_all_asset_specs())
    edges = {(need.asset_key.to_user_string(), spec.key.to_user_string()) for spec in specs for need in spec.deps}
    return {spec.key.to_user_string() for spec in specs}, edges


def test_the_graph_is_the_one_in_the_readme():
    """If this fails: `python docs/scripts/draw_graph.py` draws it again."""
    assert f"]({DRAWING.relative_to(README.parent).as_posix()})" in text_of(README)
    assert drawn(text_of(DRAWING)) == defined()


def test_the_drawing_is_what_the_script_draws():
    draw_graph = script("draw_graph")
    assert draw_graph.drawing(draw_graph.nodes_of(defs)) == text_of(DRAWING)


def test_an_asset_or_a_line_that_is_missing_or_leads_elsewhere_is_noticed():
    svg = text_of(DRAWING)
    lines = re.findall(r"<path [^>]*/>", svg)
    boxes = re.findall(r"<g data-asset=.*?</g>", svg)
    assert len(lines) > 50 and len(boxes) > 30
    assert drawn(svg.replace(lines[3], "")) != defined()
    assert drawn(svg.replace(boxes[3], "")) != defined()
    assert drawn(re.sub(r'(data-from="sft_adapter" data-to=")dpo_adapter"', r'\1ab_report"', svg)) != defined()


def test_no_two_boxes_overlap():
    boxes = [
        tuple(map(float, found))
        for found in re.findall(r'<rect class="node[^"]*" x="([^"]+)" y="([^"]+)" width="(\d{3})"', text_of(DRAWING))
    ]
    rows = defaultdict(list)
    for x, y, width in boxes:
        rows[y].append((x, x + width))
    for row in rows.values():
        ends = sorted(row)
        assert all(left[1] < right[0] for left, right in pairwise(ends))


def test_the_drawing_stands_on_its_own_in_light_and_dark():
    svg = text_of(DRAWING)
    assert "prefers-color-scheme: dark" in svg and "http" not in svg.replace("http://www.w3.org/2000/svg", "")
