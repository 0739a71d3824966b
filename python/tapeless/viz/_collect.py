# Walks a graph of nodes without recursion and describes what is to be drawn.
"""From `grad_fn` to boxes and edges; a graph that is too large is folded first."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Runs of operations shorter than this are never folded; of a longer one, both ends stay.
_SHORTEST_FOLD = 7
_KEPT_ENDS = 2

# Colour only: an operation that no pattern knows is drawn as element-wise work.
_KIND_PATTERNS = (
    ("product", r"Mm|Addmm|Bmm|Baddbmm|Matmul|Mv|Addmv|Dot|Linear|.*Convolution|.*Attention"),
    ("view", r"(Unsafe)?View|Reshape.*|T|Transpose|Permute|Expand|Select|Slice|Narrow|Squeeze|"
             r"Unsqueeze|AsStrided|(Unsafe)?Split.*|Chunk|Unbind|Alias|Diagonal|ToCopy|Clone"),
    ("reduction", r"Sum|Mean|Max|Min|Amax|Amin|Prod|Var|Std|.*Norm|Logsumexp|.*Loss.*|"
                  r".*[Ss]oftmax"),
    ("index", r"Gather|Scatter.*|Index.*|Cat|Stack|Embedding|Take.*|Masked.*|Where|Repeat"),
    ("inplace", r"CopySlices|Copy"),
)  # fmt: skip
_KINDS = tuple((kind, re.compile(pattern)) for kind, pattern in _KIND_PATTERNS)


@dataclass(slots=True)
class Box:
    """One rounded box; the layout fills the geometry (x, y is the centre)."""

    number: int
    kind: str
    title: str
    lines: list[str] = field(default_factory=list)
    details: list[tuple[str, str]] = field(default_factory=list)
    ghost_of: int | None = None
    layer: int = 0
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0


@dataclass(slots=True)
class Wire:
    """An edge in the direction of the data; the layout fills the points that it passes."""

    source: int
    target: int
    slot: int = 0
    points: list[tuple[float, float]] = field(default_factory=list)


@dataclass(slots=True)
class Picture:
    """All that is drawn."""

    boxes: list[Box]
    edges: list[Wire]
    summary: str
    notice: str | None
    width: float = 0.0
    height: float = 0.0


@dataclass(slots=True)
class _Walk:
    """Nodes in order of distance from the outputs, and the producers of each."""

    nodes: list[Any]
    producers: list[list[tuple[int, int]]]
    cut: bool


def collect(outputs: Any, names: Mapping[str, Any], max_nodes: int, walk_limit: int) -> Picture:
    """Boxes and edges of the graph behind `outputs`."""
    roots = _named_outputs(outputs)
    starts = [_start(tensor, at) for at, (_, tensor) in enumerate(roots)]
    walk = _walk([node for node, _ in starts if node is not None], walk_limit)
    groups = _folded(walk, max_nodes)
    shown, hidden = groups[:max_nodes], groups[max_nodes:]
    name_of = {id(tensor): name for name, tensor in names.items()}
    boxes = [_group_box(number, [walk.nodes[at] for at in group], name_of)
             for number, group in enumerate(shown)]  # fmt: skip
    place = [0] * len(walk.nodes)
    for number, group in enumerate(shown):
        for at in group:
            place[at] = number
    left_out = sum(len(group) for group in hidden)
    if hidden:
        stub = Box(len(boxes), "folded", f"{left_out:,} more", ["farther from the outputs"])
        boxes.append(stub)
        for group in hidden:
            for at in group:
                place[at] = stub.number
    edges = _wires(walk, place)
    index = {id(node): at for at, node in enumerate(walk.nodes)}
    place_of = {key: place[at] for key, at in index.items()}
    _add_outputs(boxes, edges, roots, starts, place_of, name_of)
    return Picture(boxes, edges, _summary(walk), _notice(walk, shown, left_out))


def _named_outputs(outputs: Any) -> list[tuple[str, Any]]:
    if isinstance(outputs, Mapping):
        return [(str(name), tensor) for name, tensor in outputs.items()]
    if isinstance(outputs, (list, tuple)):
        return [(f"output {at}", tensor) for at, tensor in enumerate(outputs)]
    return [("output", outputs)]


def _start(tensor: Any, at: int) -> tuple[Any, Any]:
    """(node, None) for a computed tensor, (None, tensor) for a leaf."""
    if not hasattr(tensor, "grad_fn"):
        raise TypeError(
            f"graph: element {at} is a {type(tensor).__name__}; it has to be a tensor, a list or a "
            "dict of tensors"
        )
    if tensor.grad_fn is not None:
        return tensor.grad_fn, None
    if tensor.requires_grad:
        return None, tensor
    raise RuntimeError(
        f"element {at} of tensors does not require grad and does not have a grad_fn, so there is "
        "no graph to draw; compute it from a tensor with requires_grad=True, outside no_grad()"
    )


def _walk(starts: Sequence[Any], limit: int) -> _Walk:
    nodes: list[Any] = []
    index: dict[int, int] = {}
    for node in starts:
        if id(node) not in index:
            index[id(node)] = len(nodes)
            nodes.append(node)
    producers: list[list[tuple[int, int]]] = []
    cut = False
    # `nodes` grows while it is read: a queue that keeps what it has served.
    for node in nodes:
        edges = [edge for edge in node.next_functions if edge[0] is not None]
        for producer, _ in edges:
            if id(producer) in index:
                continue
            if len(nodes) >= limit:
                cut = True
                break
            index[id(producer)] = len(nodes)
            nodes.append(producer)
        places = ((index.get(id(producer)), slot) for producer, slot in edges)
        producers.append([(at, slot) for at, slot in places if at is not None])
    return _Walk(nodes, producers, cut)


def _folded(walk: _Walk, max_nodes: int) -> list[list[int]]:
    """Groups of nodes, each of which is one box: single nodes, and straight runs where too many."""
    count = len(walk.nodes)
    if count <= max_nodes:
        return [[at] for at in range(count)]
    uses = [0] * count
    user = [-1] * count
    for at, producers in enumerate(walk.producers):
        for producer, _ in producers:
            uses[producer] += 1
            user[producer] = at
    straight = [uses[at] == 1 and len(walk.producers[at]) == 1 for at in range(count)]
    groups: list[list[int]] = []
    for at in range(count):
        if not straight[at]:
            groups.append([at])
        elif user[at] < 0 or not straight[user[at]]:
            groups.extend(_fold_run(_run_from(at, straight, walk.producers)))
    return groups


def _run_from(at: int, straight: Sequence[bool], producers: Sequence[Sequence[tuple[int, int]]]) -> list[int]:
    run = []
    while straight[at]:
        run.append(at)
        at = producers[at][0][0]
    return run


def _fold_run(run: list[int]) -> list[list[int]]:
    if len(run) < _SHORTEST_FOLD:
        return [[at] for at in run]
    inside = run[_KEPT_ENDS:-_KEPT_ENDS]
    first, last = run[:_KEPT_ENDS], run[-_KEPT_ENDS:]
    return [*([at] for at in first), inside, *([at] for at in last)]


def _wires(walk: _Walk, place: Sequence[int]) -> list[Wire]:
    wires: list[Wire] = []
    seen: set[tuple[int, int, int]] = set()
    folded = Counter(place)
    for target, producers in enumerate(walk.producers):
        for source, slot in producers:
            here, there = place[source], place[target]
            key = (here, there, slot)
            if here == there:
                continue
            # x*x is two edges; two edges between folded boxes are one line.
            if key in seen and (folded[here] > 1 or folded[there] > 1):
                continue
            seen.add(key)
            wires.append(Wire(here, there, slot))
    return wires


def _add_outputs(
    boxes: list[Box],
    edges: list[Wire],
    roots: Sequence[tuple[str, Any]],
    starts: Sequence[tuple[Any, Any]],
    place: Mapping[int, int],
    name_of: Mapping[int, str],
) -> None:
    leaves = {}
    for (name, tensor), (node, leaf) in zip(roots, starts, strict=True):
        if leaf is not None and id(leaf) not in leaves:
            leaves[id(leaf)] = len(boxes)
            boxes.append(_leaf_box(len(boxes), leaf, name_of))
        source = place[id(node)] if leaf is None else leaves[id(leaf)]
        box = Box(len(boxes), "output", name, [_tensor_text(tensor)])
        box.details = [("tensor", _tensor_text(tensor))]
        boxes.append(box)
        edges.append(Wire(source, box.number, getattr(tensor, "output_nr", 0)))


def _group_box(number: int, nodes: Sequence[Any], name_of: Mapping[int, str]) -> Box:
    if len(nodes) == 1:
        return _node_box(number, nodes[0], name_of)
    counts = Counter(_short_name(_full_name(node)) for node in nodes).most_common()
    box = Box(number, "folded", f"{len(nodes):,} operations", [])
    box.lines = [", ".join(f"{count:,} {name}" for name, count in counts[:2])]
    if len(counts) > 2:
        box.lines[0] += ", …"
    box.details = [(name, f"{count:,}") for name, count in counts[:20]]
    return box


def _node_box(number: int, node: Any, name_of: Mapping[int, str]) -> Box:
    variable = getattr(node, "variable", None)
    if variable is not None:
        return _leaf_box(number, variable, name_of)
    full = _full_name(node)
    box = Box(number, _kind(full), _short_name(full))
    outputs = _output_texts(node)
    if outputs:
        box.lines.append(outputs[0] + (f"  +{len(outputs) - 1}" if len(outputs) > 1 else ""))
    location = _location(node)
    if location:
        box.lines.append(_shortened(location))
    box.details.append(("node", full))
    box.details += [(f"output {at}", text) for at, text in enumerate(outputs)]
    saved = getattr(node, "_saved_bytes", None)
    if isinstance(saved, int):
        box.details.append(("saved", bytes_text(saved)))
    if location:
        box.details.append(("line", location))
    sequence = _call(getattr(node, "_sequence_nr", None))
    if isinstance(sequence, int):
        box.details.append(("made as number", f"{sequence:,}"))
    return box


def _leaf_box(number: int, tensor: Any, name_of: Mapping[int, str]) -> Box:
    name = name_of.get(id(tensor))
    box = Box(number, "leaf" if name is None else "param", name or "leaf", [_tensor_text(tensor)])
    box.details = [("leaf", _tensor_text(tensor))]
    numel = _call(getattr(tensor, "numel", None))
    if isinstance(numel, int):
        box.details.append(("numbers", f"{numel:,}"))
    return box


def _full_name(node: Any) -> str:
    name = _call(getattr(node, "name", None))
    return name if isinstance(name, str) else type(node).__name__


def _short_name(full: str) -> str:
    """MulBackward0 -> Mul, torch::autograd::CopySlices -> CopySlices, MineBackward -> Mine."""
    return re.sub(r"Backward\d*$", "", full.rpartition("::")[2]) or full


def _kind(full: str) -> str:
    if full.endswith("Backward"):
        return "custom"
    short = _short_name(full)
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(short)), "pointwise")


def _output_texts(node: Any) -> list[str]:
    """Shape and dtype of each result, from what the node remembers, or nothing."""
    shapes = getattr(node, "_output_shapes", None)
    shapes = _call(shapes) if callable(shapes) else shapes
    if shapes is None:
        shapes = getattr(node, "_input_metadata", None) or ()
    texts = []
    for entry in shapes:
        shape, dtype = getattr(entry, "shape", None), getattr(entry, "dtype", None)
        if shape is None and isinstance(entry, (tuple, list)):
            # Either (shape, dtype) or the shape alone.
            pair = len(entry) > 0 and isinstance(entry[0], (tuple, list))
            shape, dtype = (entry[0], entry[1] if len(entry) > 1 else None) if pair else (entry, None)
        if shape is not None:
            texts.append(_shape_text(shape, dtype))
    return texts


def _shape_text(shape: Sequence[Any], dtype: Any) -> str:
    sizes = "×".join(str(size) for size in shape) or "scalar"
    return sizes if dtype is None else f"{sizes}  {str(dtype).rpartition('.')[2]}"


def _tensor_text(tensor: Any) -> str:
    return _shape_text(tuple(tensor.shape), tensor.dtype)


def _location(node: Any) -> str | None:
    where = getattr(node, "location", None)
    where = _call(where) if callable(where) else where
    if isinstance(where, (tuple, list)) and len(where) >= 2:
        return f"{where[0]}:{where[1]}"
    return str(where) if where else None


def _shortened(location: str) -> str:
    """The file's own name and the line; the whole path is in the details."""
    return os.path.basename(location.replace("\\", "/"))


def _call(method: Any) -> Any:
    try:
        return method()
    except Exception:  # A picture must not fail where a node cannot answer.
        return None


def bytes_text(count: int) -> str:
    """1536 -> 1.5 KiB."""
    size, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:,.0f} {unit}" if unit == "B" else f"{size:,.1f} {unit}"


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _summary(walk: _Walk) -> str:
    leaves = sum(1 for producers, node in zip(walk.producers, walk.nodes, strict=True)
                 if not producers and hasattr(node, "variable"))  # fmt: skip
    operations = len(walk.nodes) - leaves
    edges = sum(map(len, walk.producers))
    more = "more than " if walk.cut else ""
    counts = (
        _count(operations, "operation"),
        _count(leaves, "leaf", "leaves"),
        _count(edges, "edge"),
    )
    text = more + ", ".join(counts)
    known = [size for node in walk.nodes
             if isinstance(size := getattr(node, "_saved_bytes", None), int)]  # fmt: skip
    return f"{text}, {bytes_text(sum(known))} saved" if known else text


def _notice(walk: _Walk, shown: Sequence[Sequence[int]], left_out: int) -> str | None:
    inside = sum(len(group) for group in shown if len(group) > 1)
    parts = []
    if inside:
        runs = sum(1 for group in shown if len(group) > 1)
        drawn = "one box" if runs == 1 else f"{runs:,} boxes"
        parts.append(f"{inside:,} operations in straight runs are {drawn}")
    if left_out:
        parts.append(f"the {_count(left_out, 'node')} farthest from the outputs are one box")
    if walk.cut:
        parts.append(f"the walk stopped after {len(walk.nodes):,} nodes (walk_limit)")
    if not parts:
        return None
    return "Not all is drawn: " + "; ".join(parts) + ". Raise max_nodes to see more."
