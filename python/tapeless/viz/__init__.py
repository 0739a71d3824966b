# Pictures of the recorded graph: one SVG, or one HTML page that needs nothing else.
"""Look at the graph behind a tensor.

from tapeless import viz
viz.graph(loss, params={"weight": w, "bias": b}).save("graph.html")
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ._collect import Picture, collect
from ._draw import draw
from ._layout import arrange
from ._page import page

__all__ = ["Graph", "graph"]


class Graph:
    """A picture of a graph; `svg()`, `html()` and `dot()` are text, `save(path)` writes a file."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._svg: str | None = None

    def __repr__(self) -> str:
        return f"Graph({self._picture.summary})"

    def _repr_svg_(self) -> str:
        return self.svg()

    @property
    def notice(self) -> str | None:
        """What was left out, or None where every node is drawn."""
        return self._picture.notice

    def svg(self) -> str:
        """The picture as one SVG document."""
        if self._svg is None:
            arrange(self._picture)
            self._svg = draw(self._picture)
        return self._svg

    def html(self) -> str:
        """A page around the picture with search, pan, zoom and details; it loads nothing."""
        return page(self._picture, self.svg())

    def dot(self) -> str:
        """The same boxes and edges in Graphviz's language."""
        lines = ["digraph graph_of_tensor {", "  rankdir=TB;", "  node [shape=box, style=rounded];"]
        for box in self._picture.boxes:
            if box.ghost_of is None:
                label = "\\n".join(_quoted(line) for line in (box.title, *box.lines))
                lines.append(f'  n{box.number} [label="{label}"];')
        for edge in self._picture.edges:
            source = self._picture.boxes[edge.source]
            number = source.number if source.ghost_of is None else source.ghost_of
            lines.append(f"  n{number} -> n{edge.target};")
        return "\n".join([*lines, "}"]) + "\n"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the picture in the form that the ending of `path` names: .svg, .html or .dot."""
        ending = os.path.splitext(os.fspath(path))[1].lower()
        forms = {".svg": self.svg, ".html": self.html, ".htm": self.html, ".dot": self.dot}
        if ending not in forms:
            raise ValueError(
                f"save: the path {os.fspath(path)!r} ends in {ending!r}; it has to end in .svg, "
                ".html or .dot, which names the form"
            )
        text = forms[ending]()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def graph(
    outputs: Any,
    params: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
    *,
    max_nodes: int = 600,
    walk_limit: int = 2_000_000,
) -> Graph:
    """The graph behind one tensor, several, or a dict of named ones.

    `params` names leaves, as `module.named_parameters()` does. Past `max_nodes` boxes, straight
    runs of operations become one box, then what is farthest from the outputs; the picture says so.
    No more than `walk_limit` nodes are visited.
    """
    names = dict(params or {})
    return Graph(collect(outputs, names, max_nodes, walk_limit))
