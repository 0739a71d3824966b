# Places boxes in layers, with few crossings and straight long edges.
"""A layered layout: longest paths give layers, barycentres give order, least squares give x."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from ._collect import Box, Picture, Wire

GAP_X, GAP_Y, MARGIN, HEADER = 26.0, 44.0, 36.0, 74.0
TITLE_SIZE, LINE_SIZE = 13.0, 10.5
_BEND_WIDTH = 10.0
# A leaf whose reader is farther than this appears again beside it, dashed.
_LONGEST_LEAF_EDGE = 4
_MOST_BENDS = 40_000
_SWEEPS, _COUNTED_EDGES = 12, 6_000


@dataclass(slots=True)
class _Spot:
    """A place in a layer: a box, or the bend of an edge that passes through."""

    width: float
    box: int | None
    x: float = 0.0
    at: int = 0
    depth: int = 0
    up: list[int] = field(default_factory=list)
    down: list[int] = field(default_factory=list)


def arrange(picture: Picture) -> None:
    """Fills the geometry of all boxes and edges; data flows from top to bottom."""
    _measure(picture.boxes)
    _layers(picture)
    _repeat_far_leaves(picture)
    spots, rows, chains = _spots(picture)
    _order(spots, rows)
    _spread(spots, rows)
    _finish(picture, spots, rows, chains)


def _measure(boxes: Sequence[Box]) -> None:
    for box in boxes:
        title = 0.62 * TITLE_SIZE * len(box.title)
        lines = max((0.6 * LINE_SIZE * len(line) for line in box.lines), default=0.0)
        box.width = max(64.0, min(320.0, max(title, lines) + 26.0))
        box.height = 30.0 + 14.0 * len(box.lines)


def _layers(picture: Picture) -> None:
    """Layer 0 holds what nobody reads; every other box sits just above its highest reader."""
    readers_left = [0] * len(picture.boxes)
    producers: dict[int, list[int]] = defaultdict(list)
    for edge in picture.edges:
        readers_left[edge.source] += 1
        producers[edge.target].append(edge.source)
    ready = [box.number for box in picture.boxes if readers_left[box.number] == 0]
    for number in ready:
        above = picture.boxes[number].layer + 1
        for producer in producers[number]:
            box = picture.boxes[producer]
            box.layer = max(box.layer, above)
            readers_left[producer] -= 1
            if readers_left[producer] == 0:
                ready.append(producer)


def _repeat_far_leaves(picture: Picture) -> None:
    """Long edges of leaves would cross everything; a dashed copy near the reader says the same."""
    boxes = picture.boxes
    for edge in picture.edges:
        source = boxes[edge.source]
        layer = boxes[edge.target].layer + 1
        if source.kind not in ("leaf", "param", "folded"):
            continue
        if source.layer - layer < _LONGEST_LEAF_EDGE:
            continue
        ghost = Box(len(boxes), source.kind, source.title, source.lines[:1], source.details)
        ghost.ghost_of, ghost.layer = source.number, layer
        ghost.width, ghost.height = source.width, 30.0 + 14.0 * len(ghost.lines)
        boxes.append(ghost)
        edge.source = ghost.number


def _spots(picture: Picture) -> tuple[list[_Spot], list[list[int]], list[list[int]]]:
    """Spots, the spots of each row from top to bottom, and the spots that each edge visits."""
    highest = max(box.layer for box in picture.boxes)
    rows: list[list[int]] = [[] for _ in range(highest + 1)]
    spots: list[_Spot] = []

    def add(row: int, width: float, box: int | None) -> int:
        spots.append(_Spot(width, box))
        rows[row].append(len(spots) - 1)
        return len(spots) - 1

    for box in picture.boxes:
        add(highest - box.layer, box.width, box.number)
    chains = []
    bends = 0
    for edge in picture.edges:
        first = highest - picture.boxes[edge.source].layer
        last = highest - picture.boxes[edge.target].layer
        chain = [edge.source]
        bends += last - first - 1
        if bends <= _MOST_BENDS:
            chain += [add(row, _BEND_WIDTH, None) for row in range(first + 1, last)]
        chain.append(edge.target)
        chains.append(chain)
        if bends <= _MOST_BENDS or last == first + 1:
            for above, below in zip(chain, chain[1:], strict=False):
                spots[above].down.append(below)
                spots[below].up.append(above)
    return spots, rows, chains


def _order(spots: list[_Spot], rows: list[list[int]]) -> None:
    """Sweeps of the barycentre method; the order with the fewest crossings wins."""
    _number(spots, rows)
    counted = sum(len(spot.down) for spot in spots) <= _COUNTED_EDGES
    best, fewest = [row[:] for row in rows], _crossings(spots, rows) if counted else 0
    for sweep in range(_SWEEPS if counted else 4):
        downwards = sweep % 2 == 1
        for row in rows if downwards else reversed(rows):
            keys = {}
            for spot in row:
                near = spots[spot].up if downwards else spots[spot].down
                at = spots[spot].at
                keys[spot] = sum(spots[one].at for one in near) / len(near) if near else at
            row.sort(key=keys.__getitem__)
            for at, spot in enumerate(row):
                spots[spot].at = at
        if counted:
            crossings = _crossings(spots, rows)
            if crossings < fewest:
                best, fewest = [row[:] for row in rows], crossings
    if counted:
        rows[:] = best
        _number(spots, rows)


def _number(spots: list[_Spot], rows: list[list[int]]) -> None:
    for row in rows:
        for at, spot in enumerate(row):
            spots[spot].at = at


def _crossings(spots: list[_Spot], rows: list[list[int]]) -> int:
    """Pairs of edges between neighbouring rows that cross, counted with a tree of sums."""
    total = 0
    for row, below in zip(rows, rows[1:], strict=False):
        ends = [at for spot in row for at in sorted(spots[end].at for end in spots[spot].down)]
        tree = [0] * (len(below) + 1)
        for seen, end in enumerate(ends):
            total += seen
            at = end + 1
            while at > 0:
                total -= tree[at]
                at -= at & -at
            at = end + 1
            while at < len(tree):
                tree[at] += 1
                at += at & -at
    return total


def _spread(spots: list[_Spot], rows: list[list[int]]) -> None:
    """x by repeated least squares: near the neighbours' mean, in order, and far enough apart."""
    for row in rows:
        x = 0.0
        for spot in row:
            above = [spots[one].depth for one in spots[spot].up]
            spots[spot].depth = max(above, default=-1) + (spots[spot].box is not None)
            x += spots[spot].width / 2
            spots[spot].x = x
            x += spots[spot].width / 2 + GAP_X
    sides = ("down", "up", "down", "up", "down", "up", "both", "both", "both")
    for side in sides:
        for row in rows if side == "up" else reversed(rows):
            _settle(spots, row, side)


def _settle(spots: list[_Spot], row: list[int], side: str) -> None:
    wishes, weights, offsets = [], [], []
    offset = 0.0
    for at, number in enumerate(row):
        spot = spots[number]
        if at:
            before = spots[row[at - 1]]
            offset += (before.width + spot.width) / 2 + GAP_X * (0.5 if spot.box is None else 1.0)
        near, pull = _pulls(spots, spot, side)
        weight = sum(pull)
        wish = (
            sum(spots[one].x * share for one, share in zip(near, pull, strict=True)) / weight
            if near
            else spot.x
        )
        wishes.append(wish - offset)
        weights.append(weight if near else 0.05)
        offsets.append(offset)
    for number, base, offset in zip(row, _nondecreasing(wishes, weights), offsets, strict=True):
        spots[number].x = base + offset


def _pulls(spots: list[_Spot], spot: _Spot, side: str) -> tuple[list[int], list[float]]:
    """Neighbours on the asked side and the strength of each edge."""
    up = spot.up if side != "down" else []
    down = spot.down if side != "up" else []
    # What much was computed for pulls hard: the main chain stays straight, and leaves give way.
    pull = [_strength(spots[one], spot) for one in up]
    pull += [_strength(spot, spots[one]) for one in down]
    return up + down, pull


def _strength(above: _Spot, below: _Spot) -> float:
    if above.box is None and below.box is None:
        return 4.0
    if above.box is None or below.box is None:
        return 1.0
    return float((1 + min(above.depth, 12)) ** 2)


def _nondecreasing(wishes: list[float], weights: list[float]) -> list[float]:
    """The nearest sequence (weighted least squares) that never falls: what clashes is pooled."""
    pools: list[list[float]] = []  # [mean, weight, count]
    for wish, weight in zip(wishes, weights, strict=True):
        pools.append([wish, weight, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, weight_of_last, count = pools.pop()
            pool = pools[-1]
            pool[0] = (pool[0] * pool[1] + mean * weight_of_last) / (pool[1] + weight_of_last)
            pool[1] += weight_of_last
            pool[2] += count
    return [mean for mean, _, count in pools for _ in range(int(count))]


def _finish(picture: Picture, spots: list[_Spot], rows: list[list[int]], chains: list[list[int]]) -> None:
    """Final coordinates: the left edge at the margin, the rows below the header."""
    left = min(spot.x - spot.width / 2 for spot in spots)
    right = max(spot.x + spot.width / 2 for spot in spots)
    header = HEADER + (22.0 if picture.notice else 0.0)
    # The header's text needs its width, however small the graph is.
    text = 6.1 * len(picture.notice or "") + 2 * MARGIN
    picture.width = max(right - left + 2 * MARGIN, 560.0, text)
    shift = (picture.width - (right - left)) / 2 - left
    span: dict[int, tuple[float, float]] = {}
    y = header
    for row in rows:
        heights = [picture.boxes[spots[one].box].height for one in row if spots[one].box is not None]
        height = max(heights, default=0.0)
        for one in row:
            spots[one].x += shift
            span[one] = (y, y + height)
            if spots[one].box is not None:
                box = picture.boxes[spots[one].box]
                box.x, box.y = spots[one].x, y + height / 2
        y += height + GAP_Y
    picture.height = y - GAP_Y + MARGIN
    _route(picture, spots, span, chains)


def _route(
    picture: Picture,
    spots: list[_Spot],
    span: dict[int, tuple[float, float]],
    chains: list[list[int]],
) -> None:
    entering: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for at, (edge, chain) in enumerate(zip(picture.edges, chains, strict=True)):
        entering[edge.target].append((spots[chain[-2]].x, at))
    ports: dict[int, float] = {}
    for target, arrivals in entering.items():
        arrivals.sort()
        step = min(22.0, (picture.boxes[target].width - 26.0) / max(1, len(arrivals)))
        for place, (_, at) in enumerate(arrivals):
            ports[at] = (place - (len(arrivals) - 1) / 2) * step
    for at, (edge, chain) in enumerate(zip(picture.edges, chains, strict=True)):
        edge.points = _points(picture, edge, chain, spots, span, ports[at])


def _points(
    picture: Picture,
    edge: Wire,
    chain: list[int],
    spots: list[_Spot],
    span: dict[int, tuple[float, float]],
    port: float,
) -> list[tuple[float, float]]:
    source, target = picture.boxes[edge.source], picture.boxes[edge.target]
    points = [(source.x, source.y + source.height / 2)]
    for bend in chain[1:-1]:
        top, bottom = span[bend]
        points += [(spots[bend].x, top), (spots[bend].x, bottom)]
    points.append((target.x + port, target.y - target.height / 2))
    return points
